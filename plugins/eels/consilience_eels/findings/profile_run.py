"""The analyses ``eels.profile``, ``eels.profile_edx`` and ``eels.profile_image``."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Interval, Region, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_eels.findings.probed import placed
from consilience_eels.findings.profile_params import ProfileParams
from consilience_eels.profiles.interface import STEP_SEEN, Shape, StepFit, fit_step, step_shape
from consilience_eels.profiles.line import LineProfile, line_profile
from consilience_eels.profiles.quantities import (
    Quantity,
    edge_map,
    image_map,
    line_map,
    window_map,
)
from consilience_eels.spectra import LossAxis

__all__ = ["ProfileParams", "run_profile"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Line:
    start: tuple[float, float]
    end: tuple[float, float]
    width: float
    frame: str

    @property
    def region(self) -> Region:
        ends = [list(self.start), list(self.end)]
        label = f"line {self.width:g} nm wide"
        return Region(shape="line", coordinates=ends, unit="nm", frame=self.frame, label=label)


def run_profile(
    measurements: Sequence[Measurement], params: ProfileParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return profiles along a line of one image or spectrum image, and the interfaces in them.

    Returns
    -------
    AnalysisOutput
        ``line_profile`` for each quantity, with distance, means and errors in its array;
        ``interface_position`` (from the beginning of the line) and ``interface_width`` (10 to
        90 %) for each stretch asked for, *not observable* where no step stands out.

    Raises
    ------
    BadInputError
        An edge, a line or a window that is not there, or a line outside the image.
    """
    (measurement,) = measurements
    data = measurement.data
    name = next(n for n in ("counts", "intensity") if n in data)
    array = data[name]
    energy = next((str(d) for d in array.dims if str(d) in ("energy_loss", "energy")), None)
    wanted = {"y", "x"} | ({energy} if energy else set())
    if set(map(str, array.dims)) != wanted or min(array.sizes["y"], array.sizes["x"]) < 1:
        return _silent(measurement, "it is no image over y and x, so there is no line to follow")
    units = {str(array[d].attrs.get("units", "1")) for d in ("y", "x")}
    if units != {"nm"}:
        return _silent(measurement, "its pixels are not calibrated, so no distance is in nm")
    array = array.transpose("y", "x", ...)
    if array.size == 0 or max(array.sizes["y"], array.sizes["x"]) < 4:
        return _silent(measurement, "it has too few pixels for a profile")
    line = _line(array, params, params.frame or measurement.record.name)
    drafts: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    elements = _elements(measurement, context)
    for i, quantity in enumerate(_quantities(array, energy, params, elements)):
        x, y = (array[d].values.astype(np.float64) for d in ("x", "y"))
        profile = line_profile(
            quantity.values, quantity.std, x, y, line.start, line.end, line.width, params.step
        )
        key = f"profile_{i}"
        fits = [_fit(profile, between, params.shape) for between in _stretches(profile, params)]
        stretches = _stretches(profile, params)
        arrays[key] = _dataset(profile, quantity, [f for f, _ in fits], stretches, params.shape)
        drafts.append(_profile_draft(profile, quantity, line, key))
        for (fit, other), between in zip(fits, stretches, strict=True):
            drafts += _interface(fit, other, between, profile, quantity, line, key, params)
    return AnalysisOutput(placed(drafts, measurement, array), arrays)


def _silent(measurement: Measurement, text: str) -> AnalysisOutput:
    notice = Notice(
        code="no-profile", message=f"{measurement.record.name}: {text}", severity="info"
    )
    return AnalysisOutput([], notices=[notice])


def _elements(measurement: Measurement, context: AnalysisContext) -> list[str]:
    """What the file and the sample list: windows keep clear of their edges."""
    stated = measurement.metadata.get("elements") or []
    listed = [str(e) for e in stated] if isinstance(stated, list | tuple) else []
    return [*listed, *context.sample.elements]


def _quantities(
    array: xr.DataArray, energy: str | None, params: ProfileParams, elements: Sequence[str]
) -> list[Quantity]:
    if energy is None:
        return [image_map(array)]
    gain = params.counts_per_electron
    if energy == "energy_loss":
        if params.lines:
            raise BadInputError(
                f"{params.lines[0]!r} is an X-ray line, and this image has energy losses",
                fix="name 'edges' here, and 'lines' for eels.profile_edx",
            )
        axis = LossAxis.of(array)
        clear = [*elements, *(e.partition("_")[0] for e in params.edges)]
        found = [edge_map(array, axis, e, clear, params.windows, gain) for e in params.edges]
        if params.window is not None or not found:
            found.append(window_map(array, axis.energy, params.window, "eV", gain))
        return found
    if params.edges:
        raise BadInputError(
            f"{params.edges[0]!r} is an edge, and this image has X-rays",
            fix="name 'lines' here, and 'edges' for eels.profile",
        )
    values = array[energy].values.astype(np.float64)
    found = [line_map(array, values, name, 130.0, gain) for name in params.lines]
    if params.window is not None or not found:
        found.append(window_map(array, values, params.window, "keV", gain))
    return found


def _line(array: xr.DataArray, params: ProfileParams, frame: str) -> _Line:
    x, y = (array[d].values.astype(np.float64) for d in ("x", "y"))
    steps = [abs(float(c[-1] - c[0])) / max(1, c.size - 1) for c in (x, y)]
    step = max(steps)
    diagonal = math.hypot(abs(x[-1] - x[0]) + step, abs(y[-1] - y[0]) + step)
    if params.start is None or params.end is None:
        middle = 0.5 * float(y[0] + y[-1])
        height = abs(float(y[-1] - y[0])) + step
        ends = (float(x[0]), middle), (float(x[-1]), middle)
        return _Line(*ends, params.width or height, frame)
    for at, (px, py) in (("start", params.start), ("end", params.end)):
        inside = x.min() - step <= px <= x.max() + step and y.min() - step <= py <= y.max() + step
        if not inside:
            raise BadInputError(
                f"the {at} of the line, x {px:g} y {py:g} nm, is not in the image, x "
                f"{x.min():g} to {x.max():g} and y {y.min():g} to {y.max():g} nm",
                fix="give both ends within the image",
            )
    return _Line(params.start, params.end, params.width or 2.0 * diagonal, frame)


def _stretches(profile: LineProfile, params: ProfileParams) -> list[tuple[float, float]]:
    whole = (float(profile.distance[0]), float(profile.distance[-1]))
    return list(params.between) or [whole]


def _fit(
    profile: LineProfile, between: tuple[float, float], shape: Shape
) -> tuple[StepFit | None, StepFit | None]:
    """The step asked for, and what the other shape makes of the same bins."""
    slack = 1e-6 * profile.step
    inside = (profile.distance >= between[0] - slack) & (profile.distance <= between[1] + slack)
    std = None if profile.std is None else profile.std[inside]
    other: Shape = "logistic" if shape == "erf" else "erf"
    found = [
        fit_step(profile.distance[inside], profile.values[inside], std, profile.step, one)
        for one in (shape, other)
    ]
    return found[0], found[1]


def _dataset(
    profile: LineProfile,
    quantity: Quantity,
    fits: Sequence[StepFit | None],
    stretches: Sequence[tuple[float, float]],
    shape: Shape,
) -> xr.Dataset:
    unit = quantity.unit
    attrs = {"units": unit, "missing": "no pixel lies there"}
    variables: dict[str, Any] = {
        "value": ("distance", profile.values, dict(attrs)),
        "pixels": ("distance", profile.pixels.astype(np.int64), {"units": "1"}),
    }
    if profile.std is not None:
        variables["value"][2]["ancillary_variables"] = "value_std"
        variables["value_std"] = ("distance", profile.std, dict(attrs))
    slack = 1e-6 * profile.step
    for i, (fit, (low, high)) in enumerate(zip(fits, stretches, strict=True)):
        if fit is not None and fit.improvement >= STEP_SEEN:
            rise = step_shape(
                shape, profile.distance, profile.step, *(np.array([v]) for v in fit.best)
            )[0]
            model = fit.before + (fit.after - fit.before) * rise
            model[(profile.distance < low - slack) | (profile.distance > high + slack)] = np.nan
            missing = {"units": unit, "missing": "outside the stretch of this interface"}
            variables[f"step_{i}"] = ("distance", model, missing)
    return xr.Dataset(variables, {"distance": ("distance", profile.distance, {"units": "nm"})})


def _profile_draft(profile: LineProfile, quantity: Quantity, line: _Line, key: str) -> FindingDraft:
    low, high = float(np.nanmin(profile.values)), float(np.nanmax(profile.values))
    used = int(profile.pixels.sum())
    return FindingDraft(
        kind="line_profile",
        subject=Subject(element=quantity.element, label=quantity.label),
        region=line.region,
        array=key,
        evidence={
            "sentence": f"{quantity.label} along {profile.distance[-1]:.4g} nm: from {low:.4g} to "
            f"{high:.4g} {quantity.unit if quantity.unit != '1' else ''}".rstrip()
            + f" a pixel, in {profile.values.size} bins of {profile.step:.4g} nm",
            "pixels": used,
            "scatter_over_noise": profile.scatter,
            "variable": "value",
            "variable_std": None if profile.std is None else "value_std",
        },
        assumptions=_noise(profile, quantity),
        method=f"mean of pixels in bins along a line; {quantity.how}",
    )


def _noise(profile: LineProfile, quantity: Quantity) -> list[str]:
    if quantity.std is None:
        return ["errors are those of the scatter of pixels across the strip, all bins together"]
    if profile.scatter is not None and profile.scatter > 1.2:
        times = f"{profile.scatter:.2f} times as much as counting explains"
        return [f"pixels across the strip scatter {times}: the strip is not the same all across"]
    return []


def _interface(
    fit: StepFit | None,
    other: StepFit | None,
    between: tuple[float, float],
    profile: LineProfile,
    quantity: Quantity,
    line: _Line,
    key: str,
    params: ProfileParams,
) -> list[FindingDraft]:
    subject = Subject(element=quantity.element, label=quantity.label)
    method = f"a step ({params.shape}) averaged over bins, likelihood over locations and widths"
    if fit is None or fit.improvement < STEP_SEEN:
        why = (
            "fewer than six bins have a value"
            if fit is None
            else f"a step explains the profile no better than a constant: χ² falls by "
            f"{fit.improvement:.1f}, and {STEP_SEEN:g} are asked for"
        )
        return [
            FindingDraft(
                kind=kind,
                subject=subject,
                region=line.region,
                status="not_observable",
                reason=f"no interface in {quantity.label} between {between[0]:g} and "
                f"{between[1]:g} nm: {why}",
                array=key,
                method=method,
            )
            for kind in ("interface_position", "interface_width")
        ]
    shared: dict[str, Any] = {
        "between_nm": list(between),
        "level_before": fit.before,
        "level_after": fit.after,
        "step_std": fit.step_std,
        "chi_square": fit.chi_square,
        "degrees": fit.degrees,
        "errors_widened_by": fit.birge,
    }
    scale = params.scale_std
    seen = other if other is not None and other.improvement >= STEP_SEEN else None
    by_shape = [abs(seen.location - fit.location), abs(seen.width - fit.width)] if seen else [0, 0]
    assumptions = _said(fit, profile, scale)
    parts = [
        {"shape": by_shape[i], "scale": None if scale is None else scale * value}
        for i, value in enumerate((fit.location, fit.width))
    ]
    low, high = fit.width_interval
    return [
        FindingDraft(
            kind="interface_position",
            subject=subject,
            region=line.region,
            value=fit.location,
            unit="nm",
            std_stat=fit.location_std,
            std_sys=_total(parts[0]),
            array=key,
            evidence={**shared, "std_sys_parts": parts[0]},
            assumptions=assumptions,
            method=method,
        ),
        FindingDraft(
            kind="interface_width",
            subject=subject,
            region=line.region,
            value=fit.width,
            unit="nm",
            std_stat=fit.width_std,
            std_sys=_total(parts[1]),
            interval=Interval(low=low, high=high, level=0.683),
            array=key,
            evidence={**shared, "std_sys_parts": parts[1]},
            assumptions=[
                *assumptions,
                "width from 10 to 90 %, with what the beam and the strip's own waviness add to it",
            ],
            method=method,
        ),
    ]


def _total(parts: dict[str, float | None]) -> float | None:
    known = [p for p in parts.values() if p is not None]
    return None if len(known) < len(parts) else math.sqrt(sum(p * p for p in known))


def _said(fit: StepFit, profile: LineProfile, scale: float | None) -> list[str]:
    said = [
        "the scale of the image is not known to any stated error"
        if scale is None
        else f"the scale of the image holds to {100 * scale:g} %"
    ]
    if fit.birge > 1.0 and profile.std is not None:
        said.append(
            f"one step does not explain the profile: errors are widened by {fit.birge:.2f}; "
            "'between' parts a profile with several interfaces"
        )
    if fit.width_std is None:
        said.append("a sharp interface is not excluded: the interval is an upper limit")
    return said
