"""One section of the report for each spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette
from consilience_raman_bands.library import phases

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["spectrum_view"]


def spectrum_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw each spectrum with its bands, and say what is said of each phase."""
    del context
    blocks: list[Block] = []
    for measurement in measurements:
        mine = [f for f in findings if measurement.id in f.measurements]
        blocks.append(_figure(measurement, [f for f in mine if f.kind == "raman_band"]))
        said = [f for f in mine if f.kind == "phase"]
        if said:
            blocks.append(_table(said))
    return blocks


def _figure(measurement: Measurement, bands: Sequence[Finding]) -> Figure:
    shift = measurement.data["shift"].values
    counts = measurement.data["counts"].values
    simulated = measurement.record.origin == "simulated"
    places: dict[float, list[str]] = {}  # several phases can have one band
    for band in bands:
        if band.value is not None:
            places.setdefault(round(band.value), []).append(
                band.subject.label if band.subject else "?"
            )

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        axes.plot(shift, counts, color=palette()[0], linewidth=0.9)
        top = float(counts.max())
        for place, labels in places.items():
            axes.annotate(
                " or ".join(labels),
                (place, float(counts[int(abs(shift - place).argmin())])),
                xytext=(0, 8),
                textcoords="offset points",
                ha="center",
                fontsize="small",
                color=palette()[1],
            )
        axes.set_ylim(0.0, 1.15 * top)
        axes.set_xlabel("Raman shift (cm⁻¹)")
        axes.set_ylabel("counts")
        if simulated:
            axes.set_title("simulated data")

    thin = max(1, len(shift) // 60)
    named = ", ".join(f"{place:g} cm⁻¹ ({' or '.join(w)})" for place, w in sorted(places.items()))
    return Figure(
        title=f"{'SIMULATED ' if simulated else ''}Raman spectrum",
        caption=f"{len(shift)} points. Bands that stand out: {named or 'none'}.",
        alt=f"Counts over Raman shift, highest at {shift[int(counts.argmax())]:.4g} 1/cm",
        draw=draw,
        table=Table(
            ["Raman shift (cm⁻¹)", "counts"],
            [[float(x), float(n)] for x, n in zip(shift[::thin], counts[::thin], strict=True)],
            note=f"every {thin}. point" if thin > 1 else "",
        ),
    )


def _table(said: Sequence[Finding]) -> Table:
    order = [phase.subject.label for phase in phases()]
    rows: list[list[Cell]] = []
    for f in sorted(said, key=lambda f: order.index(f.subject.label) if f.subject else 0):
        rivals = [r.subject.label for r in f.rivals if r.live]
        out = [
            f"{r.subject.label} (no {r.missing[0]})" for r in f.rivals if not r.live and r.missing
        ]
        rows.append(
            [
                f.subject.label if f.subject else "",
                (f.status or "cannot tell").replace("_", " "),
                None if f.limit is None else round(f.limit, 1),
                f.reason or "",
                ", ".join(rivals),
                ", ".join(out),
            ]
        )
    return Table(
        ["phase", "is", "limit (counts)", "because", "or it is", "ruled out here"],
        rows,
        title="What the bands say of each phase",
    )
