"""The summed spectrum with its fit: labelled lines, background, residuals, a table of counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure
    from numpy.typing import NDArray

__all__ = ["elements_view"]

WORDS = {
    "present": "present",
    "absent_below_limit": "absent below the limit",
    "not_observable": "not observable",
    None: "not settled",
}
ANALYSIS = "xrf.elements"


def elements_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw what ``xrf.elements`` found in each measurement."""
    blocks: list[Block] = []
    for measurement in measurements:
        own = [
            f
            for f in findings
            if measurement.id in f.measurements and f.source.analysis == ANALYSIS
        ]
        elements = [f for f in own if f.kind == "element"]
        array = next((f.array for f in elements if f.array), None)
        if array is not None:
            blocks.append(_figure(measurement, own, context.open_array(array)))
        elif elements:
            blocks.append(_table(own))
    return blocks


def _figure(measurement: Measurement, findings: Sequence[Finding], fit: xr.Dataset) -> Figure:
    import numpy as np

    energy = fit["energy"].values
    counts, model = fit["counts"].values, fit["model"].values
    background = fit["background"].values
    names = list(fit["column"].attrs["names"])
    parts = fit["part"].values
    shown = [f for f in findings if f.kind == "element" and f.array]
    status = {str(f.evidence.get("line")): f.status for f in shown}
    places: dict[str, Any] = {str(f.evidence.get("line")): f.evidence["energy_keV"] for f in shown}
    said = "SIMULATED " if measurement.record.origin == "simulated" else ""
    # errors of the fitted model: those of few observed counts would be too small
    pull = (counts - model) / np.sqrt(np.maximum(model, 1.0))
    spectra = next((f.evidence.get("spectra") for f in findings if "spectra" in f.evidence), 1)

    def draw(figure: MatplotlibFigure) -> None:
        upper, lower = figure.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": [3.2, 1.0], "hspace": 0.08}
        )
        colours = palette()
        seen = counts[counts > 0]
        low = max(0.3, 0.4 * float(np.quantile(seen, 0.02))) if seen.size else 0.3
        upper.step(energy, np.maximum(counts, low), where="mid", color="0.6", linewidth=0.7)
        upper.plot(energy, np.maximum(background, low), color=colours[2], linewidth=1.0)
        upper.plot(energy, np.maximum(model, low), color=colours[1], linewidth=0.9)
        upper.set_yscale("log")
        top = float(max(counts.max(), model.max(), 1.0))
        upper.set_ylim(low, top * (top / low) ** 0.45)
        upper.set_xlim(float(energy[0]), float(energy[-1]))
        upper.set_ylabel("counts a channel")
        _labels(upper, energy, model, names, parts, status, places, top / low)
        handles = [("sum", "0.6"), ("fit", colours[1]), ("background", colours[2])]
        for k, (text, colour) in enumerate(handles):
            upper.text(0.012 + 0.07 * k, 0.02, text, color=colour, fontsize=8,
                       transform=upper.transAxes)  # fmt: skip
        if said:
            upper.set_title("simulated data")
        reach = float(np.clip(np.quantile(np.abs(pull), 0.999), 4.0, 30.0))
        lower.axhspan(-2.0, 2.0, color="0.92", linewidth=0)
        lower.plot(energy, np.clip(pull, -reach, reach), color=colours[0], linewidth=0.6)
        lower.set_ylim(-reach, reach)
        lower.set_ylabel("(sum − fit)/σ")
        lower.set_xlabel("energy (keV)")

    many = f"Sum of {spectra} spectra" if isinstance(spectra, int) and spectra > 1 else "Spectrum"
    return Figure(
        title=f"{said}Elements by their X-ray lines",
        caption=f"{said}{many} of {measurement.record.file_name} with the fit of all lines, "
        f"scattered photons and background (reduced χ² {fit.attrs.get('chi2', float('nan')):.3g}). "
        "Names stand over the strongest line of a family; ?: one line, which settles no element; "
        "✗: absent or not observable. Below: what is left, in standard deviations of counting "
        "(grey: ±2).",
        alt="X-ray spectrum on a logarithmic scale with fitted lines of "
        + ", ".join(n.replace("_", " ") for n in names[:20]),
        draw=draw,
        table=_table(findings),
        size=(8.0, 4.6),
    )


def _labels(
    axes: Any,
    energy: NDArray[np.float64],
    model: NDArray[np.float64],
    names: Sequence[str],
    parts: NDArray[np.float64],
    status: Mapping[str, str | None],
    places: Mapping[str, float],
    span_of_axis: float,
) -> None:
    """Name each part over its highest channel, neighbours above one another."""
    import numpy as np

    marks = []
    for name, part in zip(names, parts, strict=True):
        if name == "pile_up" or (part.max() <= 0 and name not in places):
            continue
        there = part.max() > 0
        k = int(part.argmax() if there else np.abs(energy - places[name]).argmin())
        mark = {"present": "", "absent_below_limit": " ✗", "not_observable": " ✗"}
        text = name.replace("_", " ") + (
            mark.get(status[name] or "", " ?") if name in status else ""
        )
        marks.append((float(energy[k]), float(model[k]), text))
    span = float(energy[-1] - energy[0])
    step = span_of_axis**0.075
    placed: list[tuple[float, float]] = []
    for at, height, text in sorted(marks):
        y = height * step**0.5
        while any(
            abs(at - x) < 0.055 * span and abs(np.log(y / z)) < np.log(step) for x, z in placed
        ):
            y *= step**0.5
        placed.append((at, y))
        axes.annotate(
            text,
            (at, height),
            (at, y),
            ha="center",
            va="bottom",
            fontsize=7,
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": "0.5"},
        )


def _table(findings: Sequence[Finding]) -> Table:
    intensity: dict[str, list[Finding]] = {}
    for f in findings:
        if f.kind == "line_intensity" and f.subject is not None:
            intensity.setdefault(f.subject.element or "", []).append(f)
    rows: list[list[Cell]] = []
    for f in findings:
        if f.kind != "element" or f.subject is None:
            continue
        element = f.subject.element or f.subject.label
        said = WORDS.get(f.status, "not settled")
        live = [r.subject.label for r in f.rivals if r.live]
        why = f.reason or f.sentence or ("rivals: " + ", ".join(live) if live else "")
        counted = intensity.get(element, [])
        for one in counted:
            line = str(one.evidence["line"])
            limit: Any = one.evidence.get("limit_counts")
            shown = line.replace("_", " ")
            rows.append([shown, said, one.value, one.std_stat, one.std_sys, limit, why])
        if not counted:
            line = str(f.evidence.get("line", element)).replace("_", " ")
            bound: Cell = "–" if f.limit is None else f.limit
            rows.append([line, said, "–", "–", "–", bound, why])
    return Table(
        ["lines", "said of the element", "counts", "σ stat (counts)", "σ sys (counts)",
         "limit (counts)", "why"],
        rows,
    )  # fmt: skip
