"""Profiles of electron momentum, ratios with their errors, and maps, as pictures and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette
from consilience_compton.drawing.momentum_maps import map_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["momentum_view", "regions_view"]

WORDS = {
    "energy_offset": "energy scale",
    "incident_energy": "energy of the beam",
    "scattering_angle": "scattering angle",
    "resolution": "detector's resolution",
    "bins": "bins cut by a window's edge",
    "multiple_scattering": "multiple scattering",
    "escape_line": "escape peaks of the elastic line",
    "response": "cross-section and sensor",
    "background": "background under the peak",
    "alpha": "α",
    "beta": "β",
    "beam_height": "height of the beam",
    "electrolyte_thickness": "thickness of the electrolyte",
    "cathode_thickness": "thickness of the cathode",
    "alignment_1": "alignment of region 1",
    "alignment_2": "alignment of region 2",
    "exposure_2": "exposure of region 2",
    "exposure_3": "exposure of region 3",
}
DASHES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)))


def momentum_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw the profile of each measurement's spectra, the map of EMR, and list its errors."""
    blocks: list[Block] = []
    for measurement in measurements:
        mine = _of(findings, "compton.momentum", measurement.id)
        if not mine:
            continue
        blocks += _refusals(mine, measurement.record.title)
        said = [f for f in mine if f.value is not None]
        array = next((f.array for f in mine if f.array is not None), None)
        if not said or array is None:
            continue
        data = context.open_array(array)
        mark = _mark(measurement)
        blocks.append(_profiles(data, said, measurement.record.title, mark, apart=False))
        blocks.append(_table(said))
        blocks.append(_budget(said))
        if "emr" in data and min(data["emr"].shape) > 1:
            blocks.append(
                map_figure(
                    [
                        ("EMR, pixels pooled", data["emr"].values, "EMR"),
                        ("its error (1 σ, counting)", data["emr_std"].values, "σ of EMR"),
                    ],
                    f"{mark}{measurement.record.title}: map of EMR",
                    f"Squares of pixels pooled until EMR is known to "
                    f"{100 * float(said[0].evidence.get('pooled_for_relative_error', 0)):.3g} %, "
                    "each pixel at its own angle before; grey: not used, or too few counts. Pixels "
                    "of the detector, not micrometres of the cell.",
                    simulated=bool(mark),
                )
            )
    return blocks


def regions_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw what the three beam positions are taken apart into."""
    mine = [f for f in findings if f.source.analysis == "compton.regions"]
    blocks: list[Block] = list(_refusals(mine, "regions"))
    said = [f for f in mine if f.value is not None]
    origins = {m.id: m.record.origin for m in measurements}
    arrays = list(dict.fromkeys(f.array for f in said if f.array is not None))
    for array in arrays:
        own = [f for f in said if f.array == array]
        data = context.open_array(array)
        simulated = any(origins.get(i) == "simulated" for f in own for i in f.measurements)
        mark = "SIMULATED " if simulated else ""
        state = _state(own[0])
        name = f"cathode, electrolyte and anode{state}"
        blocks.append(_profiles(data, own, name, mark, apart=True))
        blocks.append(_table(own))
        first = own[0].evidence
        blocks.append(
            Text(
                f"{first.get('formula_cathode')}; {first.get('formula_electrolyte')}; "
                f"α = {first.get('alpha'):.4g}, β = {first.get('beta'):.4g} "
                f"({first.get('alpha_beta_from')}). Exposures: {first.get('exposures_from')}."
            )
        )
        blocks.append(_budget(own))
        panels = [
            (f"EMR of the {part}", data[f"emr_{part}"].values, "EMR")
            for part in ("cathode", "anode")
            if f"emr_{part}" in data and min(data[f"emr_{part}"].shape) > 1
        ]
        if panels:
            caption = "Squares of pixels pooled for each; every map has its own scale."
            title = f"{mark}Maps of cathode and anode{state}"
            blocks.append(map_figure(panels, title, caption, simulated=simulated))
    return blocks


def _of(findings: Sequence[Finding], analysis: str, measurement: str) -> list[Finding]:
    return [f for f in findings if f.source.analysis == analysis and measurement in f.measurements]


def _mark(measurement: Measurement) -> str:
    return "SIMULATED " if measurement.record.origin == "simulated" else ""


def _state(finding: Finding) -> str:
    parts = []
    for key, value in finding.state.items():
        if key != "region":
            parts.append(f"{key} {getattr(value, 'value', value)}")
    return f" ({', '.join(parts)})" if parts else ""


def _refusals(findings: Sequence[Finding], name: str) -> list[Block]:
    reasons = dict.fromkeys(
        f.reason for f in findings if f.status == "not_observable" and f.reason is not None
    )
    return [Text(f"{name}: the ratio is not observable: {reason}.", "note") for reason in reasons]


def _name(finding: Finding) -> str:
    if finding.region is not None and finding.region.label:
        return finding.region.label
    return finding.subject.label if finding.subject is not None else "all spectra"


def _profiles(
    data: xr.Dataset, said: Sequence[Finding], name: str, mark: str, *, apart: bool
) -> Figure:
    import numpy as np

    p = data["momentum"].values
    names = [str(n) for n in data["spectrum"].values]
    shown = list(range(len(names)))[: 6 if apart else 8]
    step = np.diff(p).mean()
    inside = np.abs(p) <= max(abs(v) for w in said[0].evidence["high_windows_au"] for v in w)
    curves, errors = [], []
    for i in shown:
        values, std = data["profile"].values[i], data["profile_std"].values[i]
        area = values[inside].sum() * step
        scale = 1.0 / area if len(shown) > 1 and area > 0 else 1.0
        curves.append(values * scale)
        errors.append(std * scale)
    relative = len(shown) > 1
    windows = said[0].evidence
    unit = "share of counts in the windows per a.u." if relative else "counts per a.u."

    def draw(figure: MatplotlibFigure) -> None:
        pages = [(names[i], k) for k, i in enumerate(shown)]
        if apart:
            left, right = figure.subplots(1, 2, sharey=True)
            halves = [(left, pages[:3], "taken apart"), (right, pages[3:], "as measured")]
        else:
            halves = [(figure.add_subplot(), pages, "")]
        for axes, lines, title in halves:
            for first, last in windows["low_windows_au"]:
                axes.axvspan(first, last, color="0.88", linewidth=0)
            for first, last in windows["high_windows_au"]:
                axes.axvspan(first, last, color="0.95", linewidth=0)
            for number, (label, k) in enumerate(lines):
                colour = palette()[number % len(palette())]
                axes.plot(
                    p, curves[k], color=colour, linestyle=DASHES[number % 6], linewidth=1.0,
                    label=label,
                )  # fmt: skip
                axes.fill_between(
                    p,
                    curves[k] - 2 * errors[k],
                    curves[k] + 2 * errors[k],
                    color=colour,
                    alpha=0.2,
                    linewidth=0,
                )
            axes.axvline(0.0, color="0.6", linewidth=0.6)
            axes.axhline(0.0, color="0.6", linewidth=0.6)
            axes.set_xlabel("p_z (atomic units)")
            axes.margins(x=0.0)
            if len(lines) > 1:
                axes.legend(frameon=False, fontsize=8, loc="upper right")
            text = ", ".join(t for t in ("simulated data" if mark else "", title) if t)
            axes.set_title(text, fontsize=9)
        halves[0][0].set_ylabel(unit, fontsize=8 if relative else None)

    every = max(1, len(p) // 40)
    rows: list[list[Cell]] = [
        [
            float(f"{p[a : a + every].mean():.3f}"),
            *(float(f"{c[a : a + every].mean():.4g}") for c in curves),
        ]
        for a in range(0, len(p), every)
    ]
    return Figure(
        title=f"{mark}{name}: profile of electron momentum",
        caption="Counts over p_z, each pixel converted at its own scattering angle; dark "
        "band: window of low momentum, light bands: of high momentum; width of the lines: two "
        "standard deviations from counting. No background is taken off in the picture.",
        alt=f"Compton profile of {', '.join(names)} from {p[0]:.1f} to {p[-1]:.1f} atomic units",
        draw=draw,
        table=Table(
            ["p_z (a.u.)", *(f"{names[i]} ({unit})" for i in shown)],
            rows,
            note=f"means of {every} bins",
        ),
        size=(8.0, 3.4),
    )


def _table(said: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = []
    for f in said:
        e = f.evidence
        rows.append(
            [
                _name(f),
                _short(f.value, 5),
                _short(f.std_stat),
                _short(f.std_sys),
                _short(e.get("counts_low"), 5),
                _short(e.get("counts_high"), 5),
                _short(e.get("emr_without_background"), 4),
                _short(e.get("emr_with_straight_background"), 4),
            ]
        )
    first = said[0].evidence
    low, high = (_intervals(first[k]) for k in ("low_windows_au", "high_windows_au"))
    factor = float(first.get("response_factor", 1.0))
    return Table(
        [
            "what", "EMR", "± counting", "± systematic", "counts, low", "counts, high",
            "EMR without background", "EMR with a straight one",
        ],
        rows,
        "Electron momentum ratio",
        f"EMR = {factor:.5f} × counts with p_z in {low} / counts with p_z in {high} (a.u.); the "
        f"factor is what cross-section and sensor do to the windows. Detector's resolution "
        f"{float(first['resolution_keV']):g} keV, {float(first['resolution_au']):.3f} a.u. The "
        "last two columns bound what a background under the peak can do.",
    )  # fmt: skip


def _budget(said: Sequence[Finding]) -> Table:
    parts: list[str] = []
    for f in said:
        parts += [p for p in f.evidence.get("std_sys_parts", {}) if p not in parts]
    rows: list[list[Cell]] = []
    for part in parts:
        values = [f.evidence.get("std_sys_parts", {}).get(part) for f in said]
        rows.append([WORDS.get(part, part), *(_short(v, 2) for v in values)])
    return Table(
        ["part of the systematic error of EMR", *(_name(f) for f in said)],
        rows,
        "What makes EMR uncertain, beside counting",
        "one standard deviation; unknown: nobody said it, and it is not in the total",
    )


def _intervals(windows: Any) -> str:
    return " and ".join(f"{a:g} to {b:g}" for a, b in windows)


def _short(value: Any, digits: int = 3) -> Cell:
    return None if value is None else float(f"{float(value):.{digits}g}")
