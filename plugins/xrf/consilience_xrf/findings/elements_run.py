"""The analysis ``xrf.elements``: which elements a spectrum or a scan of spectra shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_xrf.files.energy_choice import misfit_of
from consilience_xrf.findings.elements_arrays import covariance_dataset, map_dataset, sum_dataset
from consilience_xrf.findings.elements_drafts import (
    Whole,
    element_draft,
    intensity_drafts,
    unseen_draft,
)
from consilience_xrf.findings.elements_params import ElementsParams
from consilience_xrf.findings.left_over import left_over
from consilience_xrf.findings.map_input import beam_of
from consilience_xrf.findings.probed import placed
from consilience_xrf.fitting.fitted_scale import Scale, found_scale
from consilience_xrf.fitting.maps import MapFit, chosen_families, fit_maps, mean_spectrum
from consilience_xrf.fitting.unusable import no_spectrum
from consilience_xrf.fitting.whole import fit_whole
from consilience_xrf.lines.elements import split_name
from consilience_xrf.lines.geometry import Geometry, Layer

__all__ = ["fit_of_measurement", "run_elements", "unusable_axis"]

Array = NDArray[np.float64]

DENSITY = {"Si": 2.33, "Ge": 5.323}
MICRON = 1e-4
"""cm."""


@dataclass(frozen=True)
class FitOfMeasurement:
    """Everything that was fitted to one measurement; `maps` is None for a single spectrum."""

    counts: xr.DataArray
    scale: Scale
    whole: Whole
    maps: MapFit | None
    unseen: dict[str, str]
    notices: tuple[Notice, ...]


def run_elements(
    measurements: Sequence[Measurement], params: ElementsParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return which elements are there, the counts of their lines, and maps of a scan.

    Returns
    -------
    AnalysisOutput
        A finding of kind ``element`` for each element that was named (by the parameters or the
        sample) or found: present, absent below a limit in counts, or not observable; without
        status where one line speaks for it that others could have given.  A ``line_intensity``
        for each family of lines of those that are present.  Nothing but a notice where the
        energy axis is not known or there are no counts.
    """
    (measurement,) = measurements
    refused = unusable_axis(measurement, params.incident_energy)
    if refused is not None:
        return AnalysisOutput([], {}, [refused])
    try:
        fit = fit_of_measurement(measurement, params, context)
    except BadInputError as fault:
        notice = Notice(
            code="no-fit",
            message=f"{measurement.record.name}: {fault.what}",
            fix=fault.fix or "",
        )
        return AnalysisOutput([], {}, [notice])
    drafts: list[FindingDraft] = []
    for found in fit.scale.search.elements:
        draft = element_draft(found, fit.whole)
        drafts.append(draft)
        if draft.status == "present":
            name = "maps" if fit.maps is not None else "fit"
            drafts += intensity_drafts(found, fit.whole, name)
    drafts += [unseen_draft(name, why) for name, why in fit.unseen.items()]
    arrays = {"fit": sum_dataset(fit.whole), "covariance": covariance_dataset(fit.whole)}
    if fit.maps is not None:
        arrays["maps"] = map_dataset(fit.maps, fit.counts, fit.whole)
    if not any(draft.covariance is not None for draft in drafts):
        del arrays["covariance"]
    if not any(draft.array == "maps" for draft in drafts):
        arrays.pop("maps", None)
    if not any(draft.array == "fit" for draft in drafts):
        arrays.pop("fit", None)
    return AnalysisOutput(placed(drafts, measurement, fit.counts), arrays, fit.notices)


def unusable_axis(measurement: Measurement, incident: float | None = None) -> Notice | None:
    """Say why a measurement cannot be fitted at all, for its energy axis; None where it can.

    An axis that the beam speaks against would give wrong names to right peaks, and call absent
    what is there.  `incident` (keV) is somebody's word on the beam, which then counts instead.
    """
    data = measurement.data
    name = measurement.record.name
    if "energy" not in data.coords:
        return Notice(
            code="no-energy-axis",
            message=f"{name}: no energy axis is known, so no line can be named",
            fix="register it with options that give one, for example --option zero=… "
            "--option gain=…",
        )
    energy = np.asarray(data["energy"].values, dtype=np.float64)
    ascends = energy.ndim == 1 and energy.size >= 16 and bool((np.diff(energy) > 0).all())
    if not ascends or energy[-1] <= 0.0:
        return Notice(
            code="energy-axis-unusable",
            message=f"{name}: the energy axis of {energy.size} channels does not ascend, is too "
            "short to hold a line, or ends below 0 keV",
            fix="register it with an axis that ascends to the lines' energies",
            severity="fault",
        )
    misfit = misfit_of(str(measurement.metadata.get("energy_check", "")))
    if misfit and incident is None:
        return Notice(
            code="energy-axis-contradicted",
            message=f"{name}: no line is named by an energy axis that does not fit the beam: "
            f"{misfit}",
            fix="retract it and register the file again, with --option energy_scale=… or zero=… "
            "gain=…; with --option incident_energy=… where the stated beam is wrong",
        )
    return None


def fit_of_measurement(
    measurement: Measurement, params: ElementsParams, context: AnalysisContext
) -> FitOfMeasurement:
    """Find the elements of a measurement and fit its sum and each of its spectra.

    Raises
    ------
    BadInputError
        No counts, an unknown element, or no element that can be fitted.
    """
    data = measurement.data
    counts = data["counts"].transpose(..., "channel")
    energy = np.asarray(data["energy"].values, dtype=np.float64)
    incident = beam_of(measurement, params.incident_energy)
    thickness = MICRON * params.detector_thickness
    geometry = Geometry(
        incident,
        params.scattering_angle,
        tuple(Layer(one.material, one.density, MICRON * one.thickness) for one in params.path),
        Layer(params.detector, DENSITY[params.detector], thickness),
    )
    asked = list(dict.fromkeys([*params.elements, *context.sample.elements]))
    # one spectrum is a scan of one point
    cube: Any = counts if counts.ndim > 1 else np.asarray(counts.values)[None]
    mean, good = mean_spectrum(cube)
    number = int(good.sum())
    if not number:
        raise no_spectrum(cube)
    total = mean * number
    elements = [split_name(name)[0] for name in asked]
    scale = found_scale(
        energy,
        total,
        geometry,
        elements,
        unasked=params.search,
        calibrated=params.calibrate,
        low=params.low,
        high=params.high,
    )
    names, unseen = _families(asked, scale, incident, params)
    if not names:
        said = "; ".join(f"{name}: {why}" for name, why in unseen.items())
        if not unseen:
            raise BadInputError(
                "no line rises above the background", fix="name elements to get their limits"
            )
        raise BadInputError(f"no element can be fitted ({said})", fix="name others")
    background = "snip" if params.background == "snip" else "splines"
    fitted = fit_whole(total, scale, names, background=background, low=params.low, high=params.high)
    scale = fitted.scale
    whole = Whole(fitted.fit, fitted.errors, scale, number, frozenset(asked))
    maps = None
    if params.maps and counts.ndim > 1 and good.size > 1:
        maps = fit_maps(
            cube,
            scale.energy,
            names,
            response=scale.response,
            geometry=scale.geometry,
            background=params.background,
            pile_up=scale.search.pile_up,
            low=params.low,
            high=params.high,
            mask=good,
        )
    notices = _notices(measurement, whole, good, cube, incident)
    return FitOfMeasurement(counts, scale, whole, maps, unseen, tuple(notices))


def _families(
    asked: Sequence[str], scale: Scale, incident: float | None, params: ElementsParams
) -> tuple[list[str], dict[str, str]]:
    """Names of the families to fit, and why those asked for cannot be."""
    used = scale.energy[
        (scale.energy >= (params.low or 0.9)) & (scale.energy <= (params.high or np.inf))
    ]
    if incident is not None and params.high is None:
        used = used[used <= 1.06 * incident]
    families, unseen = chosen_families(asked, used, incident)
    named = {split_name(name)[0] for name in asked}
    names = [f.name for f in families]
    for found in scale.search.elements:
        if found.element not in named:
            names += [f.name for f in found.families]
    return names, unseen


def _notices(
    measurement: Measurement,
    whole: Whole,
    good: NDArray[np.bool_],
    cube: Any,
    incident: float | None,
) -> list[Notice]:
    name, scale = measurement.record.name, whole.scale
    said = []
    if incident is None:
        said.append(
            Notice(
                code="no-incident-energy",
                message=f"{name}: the energy of the beam is not known; scattered photons are not "
                "fitted, and lines count as excited",
                fix="say incident_energy (keV)",
            )
        )
    if scale.calibration is not None and scale.shift > 0:
        found = scale.calibration
        zero, gain = found.std("zero") or 0.0, found.std("gain")
        by = f"zero {1e3 * found.zero:.1f} ± {1e3 * zero:.1f} eV"
        if gain is not None:
            by += f", gain {1e3 * found.gain:.4f} ± {1e3 * gain:.4f} eV a channel"
        said.append(
            Notice(
                code="axis-calibrated",
                message=f"{name}: the energy axis was fitted ({by}), which moves it by up to "
                f"{1e3 * scale.shift:.1f} eV",
                fix="say calibrate=false to keep the file's axis",
                severity="info",
            )
        )
    if scale.refused:
        said.append(
            Notice(
                code="axis-kept",
                message=f"{name}: the energy axis was kept as it is: {scale.refused}",
                fix="name elements that are known to be there, or give the axis by options",
            )
        )
    said += left_over(name, whole.fit, scale.search, scale.geometry)
    left = int(good.size - good.sum())
    if left:
        said.append(
            Notice(
                code="spectra-left-out",
                message=f"{name}: {left} of {good.size} spectra have no counts, negative ones or "
                "ones that are no numbers, and were left out",
            )
        )
    first = np.asarray(cube[0:1], dtype=np.float64)
    if np.isfinite(first).all() and (first != np.round(first)).any():
        said.append(
            Notice(
                code="counts-corrected",
                message=f"{name}: values are no whole numbers; counting errors are those of as "
                "many counts, which is right for small corrections of dead time only",
                fix="register the counts before any scaling",
            )
        )
    return said
