"""The report's section of a cell over its states: ratio with the model, lithium, roughness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["states_view"]

ANALYSES = ("compton.series", "compton.lithium")
VALUES = ("momentum_ratio", "li_content", "roughness", "areal_roughness", "relative_change")
TITLES = {
    "momentum_ratio": "electron momentum ratio",
    "li_content": "lithium content x",
    "roughness": "roughness (µm)",
}
MARKS = ("o", "s", "^", "D")


def states_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Show ratio, lithium and roughness of one cell over its states, with the model beside."""
    mine = [f for f in findings if f.source.analysis in ANALYSES]
    arrays = list(dict.fromkeys(f.array for f in mine if f.kind in VALUES and f.array))
    if not arrays:
        return []
    courses = [(context.open_array(a), [f for f in mine if f.array == a]) for a in arrays]
    origins = {m.record.origin for m in measurements}
    mark = "SIMULATED. " if "simulated" in origins else ""
    entered = "Entered from the cited source, not measured here. " if "entered" in origins else ""
    blocks: list[Block] = [_ratios(courses, mark + entered)]
    for name in ("li_content", "roughness"):
        having = [one for one in courses if name in one[0]]
        if having:
            blocks.append(_others(having, name, mark + entered))
    for line in (f for f in mine if f.kind == "lithium_calibration"):
        blocks += _calibration(line, context, mark + entered)
    blocks += _sentences(mine)
    changes = [f for f in mine if f.kind == "relative_change"]
    if changes:
        blocks.append(_changes(changes))
    links = [f for f in mine if f.kind == "rank_association"]
    if links:
        blocks += _links(links)
    moved = next((f for f in mine if f.kind == "li_content" and f.evidence.get("moves_x")), None)
    if moved is not None:
        blocks.append(_moved(moved))
    return blocks


Course = tuple["xr.Dataset", list[Finding]]


def _name(course: Course) -> str:
    return str(course[0]["label"].attrs.get("subject") or "cell")


def _told(sentences: Sequence[str]) -> str:
    """Sentences of a paragraph; x stays small."""
    return " ".join(f"{s if s.startswith('x ') else s[0].upper() + s[1:]}." for s in sentences if s)


def _labels(data: xr.Dataset) -> list[str]:
    return [str(v) for v in data["label"].values]


def _numbers(data: xr.Dataset, name: str) -> Any:
    return np.asarray(data[name].values, dtype=np.float64)


def _cell(value: float) -> Cell:
    return None if math.isnan(value) else _short(value)


def _short(value: float) -> float:
    """Four figures: the standard deviations here have two."""
    return float(f"{value:.4g}")


def _plot(axes: Axes, data: xr.Dataset, name: str, index: int, label: str) -> None:
    values, std = _numbers(data, name), _numbers(data, f"{name}_std")
    axes.errorbar(
        np.arange(values.size),
        values,
        np.where(np.isnan(std), 0.0, std),
        marker=MARKS[index % len(MARKS)],
        color=palette()[index],
        capsize=3,
        label=label,
    )


def _under(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_xticks(np.arange(len(labels)), [one.replace(", ", "\n") for one in labels])
    axes.grid(axis="y", alpha=0.3)


def _simulated(axes: Axes, mark: str) -> None:
    if mark.startswith("SIMULATED"):
        axes.text(
            0.99, 0.02, "simulated data", transform=axes.transAxes, ha="right", fontsize="small"
        )


def _ratios(courses: Sequence[Course], mark: str) -> Figure:
    having = [one for one in courses if "momentum_ratio" in one[0]]
    rows: list[list[Cell]] = []
    for course in having:
        data = course[0]
        columns = ("momentum_ratio", "momentum_ratio_std", "free_atom_emr", "free_atom_emr_std")
        values = [_numbers(data, name) for name in columns]
        for i, label in enumerate(_labels(data)):
            rows.append([_name(course), label, *(_cell(v[i]) for v in values)])

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        for index, course in enumerate(having):
            data = course[0]
            _plot(axes, data, "momentum_ratio", index, _name(course))
            model, std = _numbers(data, "free_atom_emr"), _numbers(data, "free_atom_emr_std")
            if np.isfinite(model).any():
                at = np.arange(model.size)
                formula = data["label"].attrs.get("composition", "?")
                axes.plot(
                    at,
                    model,
                    linestyle="--",
                    color=palette()[index],
                    label=f"{_name(course)}, free atoms of {formula}",
                )
                axes.fill_between(at, model - std, model + std, color=palette()[index], alpha=0.2)
        _under(axes, _labels(having[0][0]))
        axes.set_ylabel("EMR")
        _simulated(axes, mark)
        axes.legend(ncols=2, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0))

    return Figure(
        title="Electron momentum ratio over the states, and what free atoms would give",
        caption=f"{mark}Points: EMR as found. Dashed: sum of free-atom Compton profiles (Biggs "
        "et al., through xraylib) for the stated composition, windows and resolution; its band is "
        "what the interpolation of the tables does. Nothing is scaled to make the two meet.",
        alt="EMR of each electrode against state with the free-atom model as dashed lines",
        draw=draw,
        table=Table(
            ["electrode", "state", "EMR", "σ", "EMR of free atoms", "σ of interpolation"], rows
        ),
        size=(8.0, 4.2),
    )


def _others(courses: Sequence[Course], name: str, mark: str) -> Figure:
    rows: list[list[Cell]] = []
    for course in courses:
        values, std = _numbers(course[0], name), _numbers(course[0], f"{name}_std")
        for i, label in enumerate(_labels(course[0])):
            rows.append([_name(course), label, _cell(values[i]), _cell(std[i])])

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        for index, course in enumerate(courses):
            _plot(axes, course[0], name, index, _name(course))
        _under(axes, _labels(courses[0][0]))
        axes.set_ylabel(TITLES[name])
        if axes.get_ylim()[0] > 0.0:  # from 0 on, but for what lies below it
            axes.set_ylim(bottom=0.0)
        _simulated(axes, mark)
        if len(courses) > 1:
            axes.legend(fontsize="small")

    return Figure(
        title=f"{TITLES[name].split(' (')[0].capitalize()} over the states",
        caption=f"{mark}Bars: what is known of the standard deviation.",
        alt=f"{TITLES[name]} of each electrode against state",
        draw=draw,
        table=Table(["electrode", "state", TITLES[name], "σ"], rows),
        size=(8.0, 3.4),
    )


def _calibration(line: Finding, context: ViewContext, mark: str) -> list[Block]:
    if line.array is None:
        return []
    data, told = context.open_array(line.array), line.evidence
    emr, x = _numbers(data, "emr"), _numbers(data, "x")
    residual = _numbers(data, "residual")
    labels = [str(one) for one in told.get("labels") or [""] * emr.size]
    intercept, slope = float(str(told["intercept"])), float(line.value or 0.0)
    model_slope, model_zero = (
        told.get("free_atom_slope_of_emr"),
        told.get("free_atom_emr_without_lithium"),
    )

    def draw(figure: MatplotlibFigure) -> None:
        axes, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
        stds = [np.nan_to_num(_numbers(data, name)) for name in ("emr_std", "x_std")]
        axes.errorbar(emr, x, stds[1], stds[0], "o", color=palette()[0], label="points")
        span = np.array([0.0, 1.05 * emr.max()])
        axes.plot(span, intercept + slope * span, color=palette()[0], label=str(told["sentence"]))
        if isinstance(model_slope, float) and isinstance(model_zero, float):
            lithium = np.array([0.0, 1.05])
            axes.plot(
                model_zero + model_slope * lithium,
                lithium,
                "--",
                color=palette()[1],
                label="free atoms",
            )
        axes.set_ylabel("lithium content x")
        _simulated(axes, mark)
        axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
        below.errorbar(emr, residual, stds[1], fmt="o", color=palette()[0])
        below.axhline(0.0, color="0.5", linewidth=0.8)
        below.set_ylabel("residual of x")
        below.set_xlabel("EMR")

    covariance = told.get("covariance")
    rows: list[list[Cell]] = [
        [labels[i], _short(emr[i]), _short(x[i]), float(f"{residual[i]:.2g}")]
        for i in range(emr.size)
    ]
    note = str(told["sentence"])
    if told.get("intercept_std") is not None:
        std = math.sqrt((line.std_stat or 0.0) ** 2 + (line.std_sys or 0.0) ** 2)
        note += f"; σ of slope {std:.2g}, of intercept {told['intercept_std']:.2g}"
    if isinstance(covariance, list):
        across = covariance[0][1]
        note += f"; covariance of intercept and slope {across:.3g}".replace("-", "−")
    if told.get("chi2") is not None:
        note += f"; χ² {told['chi2']:.2f} for {told['freedom']} degrees of freedom"
    subject = line.subject.label if line.subject else ""
    return [
        Figure(
            title=f"Calibration of lithium on the ratio, {subject}",
            caption=f"{mark}x on EMR with errors in both variables, and the line that free atoms "
            "would follow. " + _told(line.assumptions[:3]),
            alt="lithium content against EMR with a straight line and its residuals",
            draw=draw,
            table=Table(["state", "EMR", "x", "residual of x"], rows, note=note),
            size=(8.0, 4.6),
        )
    ]


def _sentences(mine: Sequence[Finding]) -> list[Block]:
    """What measurement and model do not agree on, once for each electrode."""
    said: list[Block] = []
    for subject in dict.fromkeys(f.subject.label for f in mine if f.subject is not None):
        for kind in ("lithium_calibration", "momentum_ratio"):
            one = next(
                (f for f in mine if f.kind == kind and f.subject and f.subject.label == subject),
                None,
            )
            if one is None:
                continue
            words = [a for a in one.assumptions if "free atoms" in a or "model" in a or "EMR" in a]
            if words:
                said.append(Text(f"{subject.capitalize()}: {_told(words)}", "doubt"))
                break
    return said


def _changes(changes: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = [
        [
            f.subject.label if f.subject else "",
            str(f.state.get("from", "")),
            str(f.state.get("to", "")),
            str(f.evidence.get("formula", "")),
            None if f.value is None else round(100.0 * f.value, 2),
            None if f.std_stat is None else round(100.0 * f.std_stat, 2),
            None if f.std_sys is None else round(100.0 * f.std_sys, 2),
        ]
        for f in changes
    ]
    return Table(
        ["what", "from", "to", "formula", "change (%)", "σ stat. (%)", "σ syst. (%)"],
        rows,
        title="Changes between states",
    )


def _links(links: Sequence[Finding]) -> list[Block]:
    rows: list[list[Cell]] = []
    for f in links:
        told = f.evidence
        numbers = [told.get(name) for name in ("n", "p", "least_p")]
        cells = [float(f"{float(str(v)):.3g}") if v is not None else None for v in numbers]
        rho = None if f.value is None else round(f.value, 3)
        rows.append([f.subject.label if f.subject else "", rho, *cells])
    return [
        Table(
            ["what", "Spearman ρ", "states", "permutation p", "least possible p"],
            rows,
            title="Do ratio and roughness go together?",
            note="two-sided share of the orders of the states with a correlation as large; of "
            "up to nine states all orders, of more 20 000 drawn ones",
        ),
        Text(_told(links[0].assumptions), "note"),
    ]


def _moved(finding: Finding) -> Table:
    told: Any = finding.evidence["moves_x"]
    rows: list[list[Cell]] = [
        ["1 µm of geometry behind α − β", round(told["geometry_1_um"], 4)],
        ["1 eV of the energy scale", float(f"{told['energy_1_eV']:.2g}")],
        ["88 eV of the energy scale", round(told["energy_88_eV"], 4)],
        ["0.3° of the scattering angle", round(told["angle_0.3_deg"], 4)],
        ["1° of the scattering angle", round(told["angle_1_deg"], 4)],
    ]
    return Table(
        ["error of an input", "Δx"],
        rows,
        title="What an error of the inputs does to x",
        note=f"{told['by']}; {told['note']}. x to ± 0.05 by the model takes EMR to "
        f"{100 * told['relative_emr_for_0.05']:.2f} %, "
        f"{told['net_counts_for_0.05'] / 1e6:.2g} million net counts of the cathode.",
    )
