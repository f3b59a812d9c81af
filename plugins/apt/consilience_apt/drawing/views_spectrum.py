"""The mass spectrum with its ranges, peaks and background; elements; the audit of the ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette
from consilience_apt.files.stream import source_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["hits_blocks", "mark", "plain_spectrum", "spectrum_blocks"]

MOST_BINS = 3000
MOST_LABELS = 24
LARGEST = 200.0
BIN = 0.1
DOUBTED = ("contradicted", "undecided")


def mark(measurement: Measurement) -> str:
    """Return the words that every picture of simulated data begins with."""
    return "SIMULATED. " if measurement.record.origin == "simulated" else ""


def stamp(axes: Axes, measurement: Measurement) -> None:
    """Write into the picture that its data are simulated."""
    if measurement.record.origin == "simulated":
        axes.text(
            0.01, 0.985, "SIMULATED", transform=axes.transAxes, va="top",
            color=palette()[1], fontweight="bold", zorder=10,
            bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.5},
        )  # fmt: skip


def spectrum_blocks(
    measurement: Measurement, findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Return the spectrum as analysed, the elements, and what the isotopes say of the ranges."""
    found = next((f for f in findings if f.kind == "mass_spectrum" and f.array), None)
    if found is None or found.array is None:
        return [plain_spectrum(measurement)]
    data = context.open_array(found.array)
    blocks: list[Block] = [_figure(measurement, found, data)]
    ranges: Any = found.evidence.get("ranges") or []
    against = [one for one in ranges if one["verdict"] == "contradicted"]
    blocks += [
        Text(f"A label is contradicted: {one['message']}.", tone="doubt") for one in against[:6]
    ]
    elements = [f for f in findings if f.kind == "element"]
    if elements:
        blocks.append(_elements(elements))
    if ranges:
        blocks.append(_audit(ranges))
    blocks.append(_peaks(found))
    return blocks


def _rebinned(data: xr.Dataset, high: float) -> tuple[Any, Any, Any, float]:
    """Centres, counts and background in at most `MOST_BINS` bins up to `high` Da."""
    mass = np.asarray(data["mass_to_charge"].values)
    kept = mass <= high
    counts = np.asarray(data["counts"].values)[kept]
    step = float(mass[1] - mass[0]) if mass.size > 1 else 0.01
    factor = max(-(-counts.size // MOST_BINS), 1)
    starts = np.arange(0, counts.size, factor)
    background = None
    if "background" in data:
        background = np.add.reduceat(np.asarray(data["background"].values)[kept], starts)
    middle = mass[kept][starts] + step * (factor - 1) / 2
    return middle, np.add.reduceat(counts, starts), background, step * factor


def _end(data: xr.Dataset, ranges: Sequence[Any], peaks: Sequence[Any]) -> float:
    last = [float(one["high"]) for one in ranges] + [float(one["position"]) for one in peaks]
    top = float(data["mass_to_charge"].values[-1])
    return min(1.06 * max(last, default=LARGEST) + 2.0, top + 0.01) if last else min(top, LARGEST)


def _figure(measurement: Measurement, found: Finding, data: xr.Dataset) -> Figure:
    ranges: Any = found.evidence.get("ranges") or []
    peaks: Any = found.evidence.get("peaks") or []
    end = _end(data, ranges, peaks)
    mass, counts, background, step = _rebinned(data, end)
    colours = _colours(ranges)

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        edges = np.append(mass, mass[-1] + step) - step / 2
        axes.stairs(counts, edges, color="#555555", linewidth=0.6)
        for one in ranges:
            inside = (edges[1:] > one["low"]) & (edges[:-1] < one["high"])
            at = np.flatnonzero(inside)
            if not at.size:
                continue
            part = slice(int(at[0]), int(at[-1]) + 1)
            doubtful = one["verdict"] == "contradicted"
            axes.stairs(
                counts[part], edges[part.start : part.stop + 1], fill=True,
                facecolor=colours.get(_formula(one), "#9A9A9A"),
                edgecolor="#222222" if doubtful else colours.get(_formula(one), "#9A9A9A"),
                linewidth=0.7, alpha=0.85, hatch="////" if doubtful else None,
            )  # fmt: skip
        if background is not None:
            axes.plot(
                mass, np.maximum(background, 1e-3), color="#222222", linewidth=0.9,
                linestyle="--", label="background",
            )  # fmt: skip
        axes.set_yscale("log")
        top = max(float(counts.max(initial=1)), 10.0)
        axes.set_ylim(0.6, top * 60)
        axes.set_xlim(0.0, end)
        axes.set_xlabel("mass-to-charge ratio (Da)")
        axes.set_ylabel(f"ions in {step:.3g} Da")
        _labels(axes, ranges, mass, counts, end)
        if background is not None:
            axes.legend(loc="upper right", frameon=False)
        stamp(axes, measurement)

    said = mark(measurement)
    named = list(dict.fromkeys(_formula(one) for one in ranges if one["ion"]))
    return Figure(
        title=f"Mass spectrum: {measurement.record.name}",
        caption=(
            f"{said}{found.evidence['ions']} ions on a logarithmic scale, in bins of {step:.3g} Da "
            f"up to {end:.0f} Da. "
            + (
                f"Coloured: ranges ({found.evidence['ranged_by']}), labelled with what they are "
                "said to hold; hatched: labels that the isotopes contradict. "
                if ranges
                else "No range was given or could be proposed. "
            )
            + ("Dashed: expected background, as modelled in the ranges." if background is not None
               else "")
        ),
        alt=(
            f"{said}Mass spectrum, highest near {float(mass[int(counts.argmax())]):.1f} Da; ranges "
            f"of {', '.join(named) or 'nothing'}."
        ),
        draw=draw,
        table=_spectrum_table(mass, counts, background, step),
        size=(8.0, 4.0),
        raster=True,
    )  # fmt: skip


def _formula(one: Any) -> str:
    return str(one["ion"] or "").rstrip("+")


def _colours(ranges: Sequence[Any]) -> dict[str, str]:
    totals: dict[str, float] = {}
    for one in ranges:
        if one["ion"]:
            totals[_formula(one)] = totals.get(_formula(one), 0.0) + float(one["counts"])
    order = sorted(totals, key=lambda name: -totals[name])
    colours = [*palette()[:6], palette()[7]]
    return {name: colours[at % len(colours)] for at, name in enumerate(order)}


def _labels(axes: Axes, ranges: Sequence[Any], mass: Any, counts: Any, end: float) -> None:
    """Name the fullest ranges above their peaks, upright, none over another."""
    taken: list[float] = []
    shown = 0
    for one in sorted(ranges, key=lambda each: -float(each["counts"])):
        if not one["ion"] or shown >= MOST_LABELS or one["counts"] <= 0:
            continue
        middle = (one["low"] + one["high"]) / 2
        if any(abs(middle - other) < 0.014 * end for other in taken):
            continue
        step = float(mass[1] - mass[0]) if mass.size > 1 else 0.1
        inside = (mass + step / 2 >= one["low"]) & (mass - step / 2 < one["high"])
        if not inside.any():
            continue
        taken.append(middle)
        shown += 1
        text = one["ion"] + ("?" if one["verdict"] == "contradicted" else "")
        axes.text(
            middle, float(counts[inside].max()) * 1.5 + 0.6, text, rotation=90, ha="center",
            va="bottom", fontsize=7, color="#222222",
        )  # fmt: skip


def _spectrum_table(mass: Any, counts: Any, background: Any, step: float) -> Table:
    order = sorted(np.argsort(-counts, kind="stable")[:40].tolist())
    rows: list[list[Cell]] = [
        [
            round(float(mass[i]), 4),
            int(counts[i]),
            None if background is None else float(f"{background[i]:.4g}"),
        ]
        for i in order
        if counts[i]
    ]
    return Table(
        ["mass-to-charge ratio (Da)", f"ions in {step:.3g} Da", "background expected (ions)"],
        rows,
        note=f"the {len(rows)} fullest of {counts.size} bins",
    )


_STATUS = {
    "present": "present",
    "absent_below_limit": "absent below limit",
    "not_observable": "not observable",
    None: "undecided",
}


def _elements(elements: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = []
    for f in elements:
        appm: Any = f.evidence.get("appm") or [None, None]
        rows.append(
            [
                f.subject.label if f.subject else "",
                _STATUS[f.status],
                f.evidence.get("counts"),
                f.evidence.get("background"),
                appm[0],
                appm[1],
                None if f.limit is None else float(f"{1e6 * f.limit:.3g}"),
                ", ".join(r.subject.label for r in f.rivals if r.live) or "none",
                f.reason or "",
            ]
        )
    return Table(
        [
            "element", "status", "counts in its ranges", "background (counts)",
            "interval, low (appm of ions)", "interval, high (appm of ions)",
            "detection limit (appm of ions)", "live rivals", "on what",
        ],
        rows,
        title="Elements",
        note="Ranges whose label the isotopes contradict do not count.",
    )  # fmt: skip


def _audit(ranges: Sequence[Any]) -> Table:
    rows: list[list[Cell]] = [
        [
            round(float(one["low"]), 4),
            round(float(one["high"]), 4),
            one["ion"] or one["label"] or "unidentified",
            int(one["counts"]),
            one["background"],
            one["verdict"],
            one["message"].split(": ", 1)[-1],
        ]
        for one in ranges
    ]
    return Table(
        ["from (Da)", "to (Da)", "label", "ions", "background (ions)", "isotopes", "why"],
        rows,
        title="Ranges held against natural isotopes",
        note="untested: one isotopologue at most can be seen, so that no ratio says anything",
    )


def _peaks(found: Finding) -> Table:
    peaks: Any = found.evidence.get("peaks") or []
    rows: list[list[Cell]] = []
    for one in sorted(peaks, key=lambda each: -each["counts"])[:40]:
        live = [c for c in one["candidates"] if c["live"]]
        best = live[:1]
        rows.append(
            [
                one["position"],
                one["counts"],
                one["significance"],
                one["fwhm"],
                (best[0]["ion"] + (" (ratios fit)" if best[0]["proven"] else ""))
                if best
                else "none",
                ", ".join(c["ion"] for c in live[1:]) or "none",
            ]
        )
    more = len(peaks) - len(rows)
    return Table(
        [
            "position (Da)", "ions", "significance (σ)", "width at half maximum (Da)",
            "best candidate", "rivals",
        ],
        rows,
        title="Peaks and what they may be",
        note=f"the {len(rows)} largest, {more} more in the finding" if more > 0 else "",
    )  # fmt: skip


def hits_blocks(
    measurement: Measurement, findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Return the correlation of ions that came together (Saxey plot)."""
    found = next((f for f in findings if f.kind == "multiple_hit_share" and f.array), None)
    if found is None or found.array is None:
        return []
    data = context.open_array(found.array)
    pairs = np.asarray(data["pairs"].values)
    middle = np.asarray(data["lighter"].values)
    if not pairs.any():
        return []
    last = int(np.flatnonzero(pairs.any(axis=0))[-1]) + 1
    last = min(max(last, 10), middle.size)
    both = (pairs + pairs.T)[:last, :last]

    def draw(figure: MatplotlibFigure) -> None:
        from matplotlib.colors import LogNorm

        axes = figure.add_subplot()
        step = float(middle[1] - middle[0])
        edges = np.append(middle[:last], middle[last - 1] + step) - step / 2
        shown = np.ma.masked_equal(both, 0)
        drawn = axes.pcolormesh(
            edges, edges, shown, cmap="cividis", norm=LogNorm(1, max(int(both.max()), 2)),
            rasterized=True,
        )  # fmt: skip
        axes.set_aspect("equal")
        axes.set_xlabel("mass-to-charge ratio of one ion (Da)")
        axes.set_ylabel("of the other (Da)")
        figure.colorbar(drawn, ax=axes, label="pairs in one pulse", shrink=0.8)
        stamp(axes, measurement)

    places = np.argsort(-pairs, axis=None, kind="stable")[:15]
    rows: list[list[Cell]] = [
        [float(middle[i]), float(middle[j]), int(pairs[i, j])]
        for i, j in zip(*np.unravel_index(places, pairs.shape), strict=True)
        if pairs[i, j]
    ]
    error = "" if found.std_stat is None else f" ± {100 * found.std_stat:.2f}"
    share = "unknown" if found.value is None else f"{100 * found.value:.2f}{error} %"
    return [
        Figure(
            title=f"Ions of one pulse: {measurement.record.name}",
            caption=(
                f"{mark(measurement)}{share} of the ions came with others. Horizontal and vertical "
                "streaks: one ion evaporated late; curved streaks: a molecule fell apart in flight."
            ),
            alt=f"{mark(measurement)}Correlation histogram of the masses of ions of one pulse.",
            draw=draw,
            table=Table(
                ["lighter ion (Da)", "heavier ion (Da)", "pairs"], rows,
                note="the fullest fields",
            ),
            size=(5.6, 4.6),
            raster=True,
        )
    ]  # fmt: skip


def plain_spectrum(measurement: Measurement) -> Figure:
    """Return the spectrum of ions that were not analysed, counted here in one pass."""
    edges = np.linspace(0.0, LARGEST, round(LARGEST / BIN) + 1)
    counts = np.zeros(edges.size - 1, dtype=np.int64)
    source = source_of(measurement.data)
    for _, block in source.blocks(("mass_to_charge",)):
        counts += np.histogram(block["mass_to_charge"], edges)[0]
    beyond = int(source.ions - counts.sum())

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        axes.stairs(counts, edges, color=palette()[0], fill=False, linewidth=0.8)
        axes.set_yscale("symlog", linthresh=1.0)  # empty bins have a place on it
        axes.set_xlim(0.0, LARGEST)
        axes.set_ylim(bottom=0.0)
        axes.set_xlabel("mass-to-charge ratio (Da)")
        axes.set_ylabel(f"ions in {BIN:g} Da")
        stamp(axes, measurement)

    order = sorted(np.argsort(-counts, kind="stable")[:20].tolist())
    rows: list[list[Cell]] = [
        [round(float(edges[i]), 3), round(float(edges[i + 1]), 3), int(counts[i])]
        for i in order
        if counts[i]
    ]
    return Figure(
        title=f"Mass spectrum: {measurement.record.name}",
        caption=(
            f"{mark(measurement)}{source.ions} ions in bins of {BIN:g} Da, not analysed yet; "
            f"{beyond} lie below 0 or above {LARGEST:g} Da and are not drawn."
        ),
        alt=(
            f"{mark(measurement)}Mass spectrum, highest near "
            f"{float(edges[int(counts.argmax())]):.1f} Da"
        ),
        draw=draw,
        table=Table(
            ["from (Da)", "to (Da)", "ions"], rows, note=f"the {len(rows)} fullest of {counts.size}"
        ),
        raster=True,
    )
