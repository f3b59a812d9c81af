"""The energy scale by pixel, bad pixels, the lines it rests on; and drifts between states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette
from consilience_compton.drawing.maps import span_of

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure
    from numpy.typing import NDArray

__all__ = ["calibration_view", "drift_view"]

PARTS = 8
COLOURS = ("#e8e8e8", "#56B4E9", "#000000", "#999999", "#CC79A7", "#D55E00", "#E69F00", "#0072B2")
"""For `STATUS`, in its order."""


def calibration_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw the correction of each pixel at the Compton peak, its status, and the lines."""
    del measurements
    blocks: list[Block] = []
    for finding in findings:
        if finding.kind != "energy_shift" or finding.array is None:
            continue
        simulated = "SIMULATED " if finding.origin == "simulated" else ""
        maps = context.open_array(finding.array)
        if maps.sizes["row"] > 1 and maps.sizes["column"] > 1:
            blocks.append(_maps(maps, finding, simulated))
        blocks.append(_lines(finding, simulated))
    return blocks


def _maps(maps: xr.Dataset, finding: Finding, simulated: str) -> Figure:
    import numpy as np

    from consilience_compton.calibration.pixels import STATUS

    at = finding.evidence.get("at_keV")
    moved = np.where(maps["status"].values < 2, maps["correction_at_peak"].values, np.nan) * 1e3
    status = maps["status"].values
    rows, columns = moved.shape
    counted = np.bincount(status.ravel(), minlength=len(STATUS))

    def draw(figure: MatplotlibFigure) -> None:
        import matplotlib as mpl
        from matplotlib.colors import ListedColormap
        from matplotlib.patches import Patch

        left, right = figure.subplots(1, 2)
        seen = moved[np.isfinite(moved)]
        reach = float(np.quantile(np.abs(seen), 0.99)) if seen.size else 1.0
        colours = mpl.colormaps["PuOr"].with_extremes(bad="#bbbbbb")
        drawn = left.imshow(
            np.ma.masked_invalid(moved),
            cmap=colours,
            vmin=-reach,
            vmax=reach,
            interpolation="nearest",
        )
        figure.colorbar(drawn, ax=left, label=f"true less stated at {at:.1f} keV (eV)", shrink=0.8)
        right.imshow(
            status, cmap=ListedColormap(COLOURS), vmin=-0.5, vmax=7.5, interpolation="nearest"
        )
        present = [i for i, n in enumerate(counted) if n]
        handles = [
            Patch(facecolor=COLOURS[i], edgecolor="#666666", label=f"{STATUS[i]} ({counted[i]})")
            for i in present
        ]
        right.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1.0), fontsize=8)
        for axes in (left, right):
            axes.set_xlabel("column")
            axes.set_ylabel("row")
        if simulated:
            left.set_title("SIMULATED")

    parts: list[list[Cell]] = []
    for r in np.array_split(np.arange(rows), min(PARTS, rows)):
        for c in np.array_split(np.arange(columns), min(PARTS, columns)):
            box = (slice(r[0], r[-1] + 1), slice(c[0], c[-1] + 1))
            known = moved[box][np.isfinite(moved[box])]
            middle = round(float(np.median(known)), 1) if known.size else None
            bad = int((status[box] > 1).sum())
            parts.append([span_of(r), span_of(c), middle, bad])
    bad = int((status > 1).sum())
    return Figure(
        title=f"{simulated}Energy scale by pixel",
        caption=f"Left: correction of the stated energy at {at:.2f} keV from the "
        "detector's own lines; grey: not known. Right: what each pixel is; pooled pixels were "
        "fitted together with neighbours. Colours end at the 99th percentile.",
        alt=f"Maps of {rows} × {columns} pixels; {bad} cannot be used",
        draw=draw,
        table=Table(
            ["rows", "columns", "median correction (eV)", "pixels that cannot be used"], parts
        ),
        size=(8.0, 3.6),
        raster=True,
    )


def _lines(finding: Finding, simulated: str) -> Figure:
    import numpy as np

    listed = finding.evidence.get("lines")
    lines = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    energy = np.array([float(str(one["tabulated_keV"])) for one in lines])
    rest = np.array([float(str(one["found_less_tabulated_keV"])) for one in lines]) * 1e3
    std = np.array([float(str(one["std_keV"])) for one in lines]) * 1e3
    names = [str(one["name"]) for one in lines]

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        axes.axhline(0.0, color="#888888", linewidth=0.8)
        axes.errorbar(energy, rest, std, fmt="o", color=palette()[0], capsize=3)
        for x, y, bar, name, up in zip(energy, rest, std, names, _above(energy), strict=True):
            axes.annotate(
                name,
                (x, y + bar if up else y - bar),
                xytext=(0, 4 if up else -4),
                textcoords="offset points",
                ha="center",
                va="bottom" if up else "top",
                fontsize=8,
            )
        axes.margins(y=0.25, x=0.08)
        axes.set_xlabel("tabulated mean energy (keV)")
        axes.set_ylabel("found less tabulated (eV)")
        if simulated:
            axes.set_title("SIMULATED")

    rows: list[list[Cell]] = [
        [n, round(float(e), 3), round(float(r), 2), round(float(s), 2)]
        for n, e, r, s in zip(names, energy, rest, std, strict=True)
    ]
    return Figure(
        title=f"{simulated}Lines beside the straight scale",
        caption="Sum of all pixels. Bars: one standard deviation from counting. What "
        "scatters beyond them is the systematic error of the scale.",
        alt=f"{len(names)} groups of lines, largest distance {np.abs(rest).max():.2g} eV",
        draw=draw,
        table=Table(["lines", "tabulated (keV)", "found less tabulated (eV)", "± (eV)"], rows),
        size=(8.0, 3.2),
    )


def _above(energy: NDArray[np.float64]) -> list[bool]:
    """Return which lines have their name above the point; below where there is more room."""
    import numpy as np

    close = 0.08 * float(np.ptp(energy)) if energy.size else 0.0
    placed: list[bool] = [True] * energy.size
    last = {True: -np.inf, False: -np.inf}
    for i in np.argsort(energy):
        room = {up: float(energy[i]) - last[up] for up in (True, False)}
        placed[i] = room[True] > close or room[True] >= room[False]
        last[placed[i]] = float(energy[i])
    return placed


def drift_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw how far each state's peak is shifted, and the part that the lines share."""
    del context
    title = {one.id: one.record.title for one in measurements}
    shifts = [f for f in findings if f.kind == "peak_shift" and f.value is not None]
    if not shifts:
        return []
    simulated = "SIMULATED " if any(f.origin == "simulated" for f in shifts) else ""
    rows: list[list[Cell]] = []
    for f in shifts:
        lines, std = f.evidence.get("lines_keV"), f.evidence.get("lines_std_keV")
        emr = f.evidence.get("emr")
        change = emr.get("change") if isinstance(emr, dict) else None
        rows.append(
            [
                title.get(f.measurements[-1], f.measurements[-1]),
                ", ".join(f"{k} {_plain(v)}" for k, v in f.state.items()),
                _in_ev(f.value),
                _in_ev(f.std_stat),
                _in_ev(lines),
                _in_ev(std),
                round(float(change), 4) if isinstance(change, int | float) else None,
            ]
        )

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        place = list(range(1, len(rows) + 1))
        peak = [float(str(r[2])) for r in rows]
        bars = [float(str(r[3])) if r[3] is not None else 0.0 for r in rows]
        axes.axhline(0.0, color="#888888", linewidth=0.8)
        axes.errorbar(place, peak, bars, fmt="o", color=palette()[1], capsize=3, label="peak")
        known = [(x, r) for x, r in zip(place, rows, strict=True) if r[4] is not None]
        if known:
            axes.errorbar(
                [x + 0.12 for x, _ in known],
                [float(str(r[4])) for _, r in known],
                [float(str(r[5])) for _, r in known],
                fmt="s",
                color=palette()[0],
                capsize=3,
                label="detector's lines, at the peak",
            )
        axes.set_xticks(place)
        axes.set_xlabel("number in the table")
        axes.set_ylabel("shift against the first state (eV)")
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=8)
        if simulated:
            axes.set_title("SIMULATED")

    numbered: list[list[Cell]] = [[i, *row] for i, row in enumerate(rows, 1)]
    return [
        Figure(
            title=f"{simulated}Drift between states",
            caption="Shift of the Compton peak and of the energy scale, against the "
            "first state of the group. What the lines do not share is a movement of the detector, "
            "or of the beam's energy. Nothing was corrected.",
            alt=f"Shifts of {len(rows)} states",
            draw=draw,
            table=Table(
                [
                    "number",
                    "measurement",
                    "state",
                    "peak (eV)",
                    "± (eV)",
                    "lines (eV)",
                    "± (eV)",
                    "change of EMR if moved back",
                ],
                numbered,
            ),
        )
    ]


def _in_ev(value: object) -> float | None:
    return round(1e3 * float(value), 2) if isinstance(value, int | float) else None


def _plain(value: object) -> str:
    number, unit = getattr(value, "value", value), getattr(value, "unit", "")
    return f"{number} {unit}".strip()
