"""Rings: the pattern with its rings, the mean over the angle, and spacings against the dose."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consilience.errors import BadInputError
from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["rings_view", "series_figure", "series_view"]

ROWS = 40
SHAPES = {"ring": "even ring", "spots": "spots", "between": "grainy ring"}


def rings_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw each pattern beside its mean over the angle, with the rings that were found."""
    blocks: list[Block] = []
    for measurement in measurements:
        said = [
            f
            for f in findings
            if f.kind == "d_spacing" and f.array and measurement.id in f.measurements
        ]
        if not said:
            continue
        data = context.open_array(said[0].array or "")
        rings = [f for f in said if f.value is not None]
        blocks.append(_figure(measurement, data, rings))
        blocks += [
            Text(f"Rings of {measurement.record.name}: {f.reason}.", "note")
            for f in said
            if f.status == "not_observable"
        ]
    return blocks


def series_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw spacings against the dose, once for each series of one sample."""
    blocks: list[Block] = []
    drawn: set[str] = set()
    for finding in findings:
        if finding.kind == "d_spacing_slope" and finding.array and finding.array not in drawn:
            drawn.add(finding.array)
            mine = [f for f in findings if f.array == finding.array]
            data = context.open_array(finding.array)
            simulated = any(m.record.origin == "simulated" for m in measurements)
            blocks.append(series_figure(data, mine, simulated=simulated))
        elif finding.kind == "d_spacing_slope" and finding.status == "not_observable":
            text = f"how spacings go with the dose is not observable: {finding.reason}."
            blocks.append(Text(text, "note"))
    return blocks


def _figure(measurement: Measurement, data: xr.Dataset, rings: Sequence[Finding]) -> Figure:
    import numpy as np

    simulated = "SIMULATED " if measurement.record.origin == "simulated" else ""
    name = measurement.record.name
    pattern = _pattern(measurement, rings)
    k = np.asarray(data["k"].values)
    mean, level = np.asarray(data["mean"].values), np.asarray(data["background"].values)
    places = [10.0 / float(f.value) for f in rings if f.value is not None]

    def draw(figure: MatplotlibFigure) -> None:
        if pattern is None:
            profile = figure.add_subplot()
        else:
            shown, profile = figure.subplots(1, 2, width_ratios=(1.0, 1.4))
            _draw_pattern(shown, pattern, places)
        profile.plot(k[2:], mean[2:], color=palette()[0], linewidth=1.0, label="mean over angle")
        profile.plot(k[2:], level[2:], color="0.5", linewidth=0.9, label="background")
        profile.set_yscale("log")
        profile.set_xlabel("k = 1/d (1/nm)")
        profile.set_ylabel("intensity")
        low, high = profile.get_ylim()
        profile.set_ylim(low, high * (high / low) ** 0.22)
        for index, (place, finding) in enumerate(zip(places, rings, strict=True)):
            profile.axvline(place, color=palette()[1], linewidth=0.7, linestyle=":")
            profile.annotate(
                f"{finding.value:.3f} Å",
                (place, 0.99 - 0.07 * (index % 3)),
                xycoords=("data", "axes fraction"),
                xytext=(2, 0),
                textcoords="offset points",
                va="top",
                fontsize=7,
            )
        profile.legend(loc="lower left", fontsize=7)
        profile.margins(x=0.0)
        if simulated:
            figure.suptitle("simulated data", fontsize=9)

    rows: list[list[Cell]] = [
        [
            f.subject.label if f.subject else "",
            round(float(f.value or 0.0), 4),
            None if f.std_stat is None else float(f"{f.std_stat:.2g}"),
            None if f.std_sys is None else float(f"{f.std_sys:.2g}"),
            SHAPES.get(str(f.evidence.get("shape")), ""),
            _joined(f.evidence.get("lines_within_tolerance")),
        ]
        for f in rings
    ]
    return Figure(
        title=f"{simulated}Rings of {name}",
        caption=(
            f"{simulated}{len(rings)} rings. Left, the pattern (square root of the intensity) with "
            "the rings dotted; right, its mean over the angle with the background that was taken "
            "under the rings."
            if pattern is not None
            else f"{simulated}{len(rings)} rings in the mean over the angle."
        ),
        alt=f"{name}: pattern with {len(rings)} rings and its mean over the angle",
        draw=draw,
        table=Table(
            ["ring", "d (Å)", "± fit (Å)", "± scale (Å)", "shape", "lines within tolerance"],
            rows,
            note="a ring alone names no phase",
        ),
        size=(8.0, 3.6),
        raster=True,
    )


def _joined(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else ""


def _pattern(measurement: Measurement, rings: Sequence[Finding]) -> Any:
    """The pattern again, from the data; None where the run's parameters are not to be had."""
    from consilience_eels.findings.rings_input import pattern_of
    from consilience_eels.findings.rings_params import RingParams

    given = rings[0].source.parameters if rings else {}
    known = {name: value for name, value in given.items() if name in RingParams.model_fields}
    try:
        return pattern_of(measurement, RingParams(**known)).pattern
    except (BadInputError, ValueError):
        return None


def _draw_pattern(axes: Any, pattern: Any, places: Sequence[float]) -> None:
    import numpy as np
    from matplotlib.patches import Circle, Rectangle

    reach = min(pattern.reach, 1.3 * max(places, default=pattern.reach))
    rows, columns = pattern.intensity.shape
    y, x = pattern.centre
    step = pattern.step
    shown = np.sqrt(np.clip(pattern.intensity, 0.0, None))
    extent = (
        (-0.5 - x) * step,
        (columns - 0.5 - x) * step,
        (rows - 0.5 - y) * step,
        (-0.5 - y) * step,
    )
    j, i = np.mgrid[:rows, :columns]
    far = np.hypot(j - y, i - x) * step
    inside = (far > 0.06 * reach) & (far < reach)
    top = float(np.percentile(shown[inside], 99.7)) if inside.any() else float(shown.max())
    axes.imshow(shown, cmap="gray", extent=extent, vmin=0.0, vmax=top, interpolation="nearest")
    for place in places:
        axes.add_patch(
            Circle((0.0, 0.0), place, fill=False, color=palette()[1], lw=0.7, linestyle=":")
        )
    axes.set_xlim(-reach, reach)
    axes.set_ylim(reach, -reach)
    axes.set_xticks([])
    axes.set_yticks([])
    bar = _round(0.5 * reach)
    axes.add_patch(
        Rectangle(
            (-0.93 * reach, 0.88 * reach), bar, 0.035 * reach, facecolor="white", edgecolor="black"
        )
    )
    axes.text(
        -0.93 * reach + 0.5 * bar,
        0.85 * reach,
        f"{bar:g} 1/nm",
        ha="center",
        va="bottom",
        fontsize=8,
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5},
    )


def _round(value: float) -> float:
    import math

    power = 10.0 ** math.floor(math.log10(value))
    return max(power * one for one in (1.0, 2.0, 5.0) if power * one <= value)


def series_figure(data: xr.Dataset, findings: Sequence[Finding], *, simulated: bool) -> Figure:
    """Return spacings relative to their value at no dose, against the dose."""
    import numpy as np

    dose = np.asarray(data["dose"].values)
    spacing = np.asarray(data["spacing"].values)
    std = np.asarray(data["spacing_std"].values)
    said = "SIMULATED " if simulated else ""
    starts = [float(f.evidence.get("spacing_at_no_dose_angstrom") or np.nan) for f in findings]
    lines = list(zip(findings, starts, strict=True))

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        colours = palette()
        for index, (finding, start) in enumerate(lines):
            row = int(np.nanargmin(np.abs(np.nanmean(spacing, axis=1) - start)))
            colour = colours[index % len(colours)]
            axes.errorbar(
                dose,
                100.0 * (spacing[row] / start - 1.0),
                100.0 * std[row] / start,
                fmt="o",
                markersize=3,
                color=colour,
                label=f"{start:.3f} Å",
            )
            slope = float(finding.value or 0.0)
            ends = np.array([dose.min(), dose.max()])
            axes.plot(ends, 100.0 * slope * ends / start, color=colour, linewidth=0.9)
        axes.axhline(0.0, color="0.7", linewidth=0.7, zorder=0)
        axes.set_xlabel("dose (e/Å²)")
        axes.set_ylabel("change of spacing (%)")
        axes.legend(fontsize=7)
        if simulated:
            axes.set_title("simulated data")

    rows: list[list[Cell]] = [
        [
            f"{start:.4f}",
            float(f"{float(f.value or 0.0):.4g}"),
            None if f.std_stat is None else float(f"{f.std_stat:.2g}"),
            f.evidence.get("states") if isinstance(f.evidence.get("states"), int) else None,
        ]
        for f, start in lines
    ]
    return Figure(
        title=f"{said}Spacings against the dose",
        caption=f"{said}Change of each ring's spacing since no dose, with straight lines; bars are "
        "standard deviations of the fits. The scale's error is common to all and not in them.",
        alt="Change of spacing against dose",
        draw=draw,
        table=Table(
            ["d at no dose (Å)", "slope (Å per e/Å²)", "± fit", "states"],
            rows,
        ),
    )
