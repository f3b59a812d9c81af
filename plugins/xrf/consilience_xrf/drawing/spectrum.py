"""Spectra and scans as they were read: sum spectrum, counts of each point, table of peaks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure
    from numpy.typing import NDArray

__all__ = ["spectrum_view"]

ROWS = 32
PEAKS = 12
"""Peaks that are marked."""
BLOCK = 1 << 22
"""Values held at once."""
WINDOW = 0.04
"""Lines this near a peak are listed [keV]."""


def spectrum_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw counts over energy, or over channels, and the counts of each point of a scan."""
    del findings, context
    blocks: list[Block] = []
    for measurement in measurements:
        spectrum, points = _sums(measurement.data["counts"])
        blocks.append(_figure(measurement, spectrum))
        if points is not None and min(points.shape[-2:]) > 1:
            blocks.append(_map_figure(measurement, points))
    return blocks


def _sums(counts: xr.DataArray) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The sum of all spectra, and the counts of each point, read in blocks of rows."""
    import numpy as np

    if counts.ndim == 1:
        return np.asarray(counts.values, dtype=np.float64), None
    shape = counts.shape[:-1]
    along = "y" if "y" in counts.dims else str(counts.dims[0])
    axis = counts.dims.index(along)
    size = max(1, BLOCK // max(1, counts.size // counts.sizes[along]))
    spectrum = np.zeros(counts.shape[-1])
    parts = []
    for first in range(0, counts.sizes[along], size):
        values = np.asarray(counts.isel({along: slice(first, first + size)}).values)
        spectrum += values.sum(axis=tuple(range(values.ndim - 1)), dtype=np.float64)
        parts.append(values.sum(axis=-1, dtype=np.float64))
    points = np.concatenate(parts, axis=axis).reshape(shape)
    return spectrum, points if {"y", "x"} <= set(counts.dims) else None


def _mark(measurement: Measurement) -> str:
    return "SIMULATED " if measurement.record.origin == "simulated" else ""


def _incident(measurement: Measurement) -> float | None:
    """Energy of the beam [keV], where it is known."""
    stated = measurement.metadata.get("incident_energy")
    value = stated.get("value") if isinstance(stated, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _figure(measurement: Measurement, counts: NDArray[Any]) -> Figure:
    import numpy as np

    from consilience_xrf.files.energy_axis import find_peaks

    data = measurement.data
    calibrated = "energy" in data.coords
    axis = np.asarray(data["energy" if calibrated else "channel"].values, dtype=np.float64)
    label = "energy (keV)" if calibrated else "channel"
    heading = _mark(measurement)
    beam = _incident(measurement) if calibrated else None
    found = find_peaks(counts, PEAKS)
    places = sorted(float(np.interp(p.channel, np.arange(axis.size), axis)) for p in found)
    places = [p for p in places if p > 0.3] if calibrated else places  # below: electronic noise
    many = int(np.prod(data["counts"].shape[:-1]))

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        axes.step(axis, counts, where="mid", color=palette()[0], linewidth=0.8)
        axes.set_yscale("symlog", linthresh=1.0)  # zero counts have a place on it
        top = max(float(counts.max()), 1.0)
        least = float(counts.min())
        axes.set_ylim(0.3 * least if least > 3.0 else 0.0, top * max(30.0, top**0.3))
        axes.set_xlim(float(axis[0]), float(axis[-1]))
        axes.set_xlabel(label)
        axes.set_ylabel("counts a channel")
        if beam is not None and axis[0] < beam < axis[-1]:
            axes.axvline(beam, color=palette()[1], linewidth=0.9, linestyle="--")
            axes.text(beam, 0.02, " beam", color=palette()[1], fontsize=7.5,
                      transform=axes.get_xaxis_transform())  # fmt: skip
        _name_peaks(axes, axis, counts, places, calibrated=calibrated)
        if heading:
            axes.set_title("simulated data")

    where = "no energy calibration is known" if not calibrated else "energy axis: "
    source = "" if not calibrated else str(data["energy"].attrs.get("source", "unknown"))
    check = measurement.metadata.get("energy_check")
    held = f" Held against the beam: {check}." if check else ""
    whose = f"the sum of {many} spectra, " if many > 1 else ""
    return Figure(
        title=f"{heading}XRF spectrum",
        caption=f"{heading}{measurement.record.title}: {whose}{counts.sum():g} counts in "
        f"{counts.size} channels; {where}{source}.{held} Peaks are marked by their place alone; "
        "which lines lie near them is in the table, and is no label.",
        alt=f"Spectrum of {counts.size} channels, highest near {label} {axis[counts.argmax()]:.4g}",
        draw=draw,
        table=_table(axis, counts, places, label, calibrated=calibrated, beam=beam),
        raster=counts.size > 20_000,
    )


def _name_peaks(
    axes: Any, axis: Any, counts: Any, places: Sequence[float], *, calibrated: bool
) -> None:
    """Write where each peak lies, neighbours above one another."""
    import numpy as np

    span = float(axis[-1] - axis[0])
    last, level = -np.inf, 0
    for place in places:
        level = (level + 1) % 4 if place - last < 0.055 * span else 0
        last = place
        height = float(counts[int(np.argmin(np.abs(axis - place)))])
        axes.annotate(
            f"{place:.2f}" if calibrated else f"{place:.0f}",
            (place, max(height, 1.0)),
            xytext=(0, 4 + 9 * level),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color="0.25",
        )


def _table(
    axis: Any,
    counts: Any,
    places: Sequence[float],
    label: str,
    *,
    calibrated: bool,
    beam: float | None,
) -> Table:
    """Peaks with the lines near them; groups of channels where no energy is known."""
    import numpy as np

    if calibrated and places:
        rows: list[list[Cell]] = [
            [round(place, 3), float(counts[int(np.argmin(np.abs(axis - place)))]),
             _near(place, beam)]
            for place in places
        ]  # fmt: skip
        return Table(
            ["peak (keV)", "counts in its channel", f"lines within {WINDOW * 1e3:g} eV"],
            rows,
            note=f"the {len(rows)} highest peaks; a line near a peak is no element found",
        )
    edges = np.linspace(0, counts.size, min(ROWS, counts.size) + 1).astype(int)
    groups: list[list[Cell]] = [
        [float(axis[a]), float(axis[b - 1]), float(counts[a:b].sum()), float(counts[a:b].max())]
        for a, b in pairwise(edges.tolist())
    ]
    return Table(
        [f"from {label}", f"to {label}", "counts in all", "most in one channel"],
        groups,
        note=f"{counts.size} channels in {len(groups)} groups",
    )


def _near(place: float, beam: float | None) -> str:
    """K-alpha, L-alpha and M-alpha lines near an energy that the beam can excite."""
    import xraylib

    out = []
    for name, line, shell, numbers in (
        ("Kα", xraylib.KA_LINE, xraylib.K_SHELL, range(11, 61)),
        ("Lα", xraylib.LA_LINE, xraylib.L3_SHELL, range(28, 93)),
        ("Mα", xraylib.MA1_LINE, xraylib.M5_SHELL, range(70, 93)),
    ):
        for z in numbers:
            try:
                energy, edge = xraylib.LineEnergy(z, line), xraylib.EdgeEnergy(z, shell)
            except ValueError:
                continue
            if abs(energy - place) <= WINDOW and (beam is None or edge < beam):
                out.append(f"{xraylib.AtomicNumberToSymbol(z)} {name}")
    if beam is not None and abs(place - beam) <= 0.015 * beam:
        out.insert(0, "beam, scattered elastically")
    return ", ".join(out) or "none"


def _ends(values: NDArray[Any]) -> tuple[float, float]:
    """The least and the greatest number; 0 and 0 where there is none."""
    import numpy as np

    good = values[np.isfinite(values)]
    return (float(good.min()), float(good.max())) if good.size else (0.0, 0.0)


def _map_figure(measurement: Measurement, points: NDArray[Any]) -> Figure:
    import numpy as np

    from consilience_xrf.drawing.grid import Panel, PanelRow, draw_rows, grid_size

    data = measurement.data
    heading = _mark(measurement)
    ny, nx = points.shape[-2:]
    units = {str(data[n].attrs.get("units", "1")) for n in ("y", "x") if n in data.coords}
    known = len(units) == 1 and {"y", "x"} <= set(data.coords)
    unit = units.pop() if known else "1"
    y = np.asarray(data["y"].values if known else np.arange(ny), dtype=np.float64)
    x = np.asarray(data["x"].values if known else np.arange(nx), dtype=np.float64)
    planes = points.reshape(-1, ny, nx)
    if "measured" in data:
        planes = np.where(data["measured"].values != 0, planes, np.nan)
    leads = [str(d) for d in data["counts"].dims[:-3]]
    shown = planes[:4]
    titles = [_lead_title(data, leads, i) for i in range(len(shown))]
    panels = tuple(
        Panel(title, plane, x, y, unit) for title, plane in zip(titles, shown, strict=True)
    )
    low, high = _ends(shown)
    rows = [PanelRow("counts", panels, (low, high if high > low else low + 1.0))]

    def draw(figure: MatplotlibFigure) -> None:
        draw_rows(figure, rows, simulated=bool(heading))

    cells: list[list[Cell]] = [
        [title or "all", float(np.min(p)), float(np.median(p)), float(np.max(p)), float(np.sum(p))]
        if p.size
        else [title or "all", None, None, None, None]
        for title, p in zip(titles, (q[np.isfinite(q)] for q in shown), strict=True)
    ]
    left = f" The first {len(shown)} of {len(planes)} are shown." if len(planes) > 4 else ""
    place = "" if known and unit != "1" else " Positions have no unit that is known."
    return Figure(
        title=f"{heading}Counts of each point",
        caption=f"{heading}{measurement.record.title}: all channels of each of {ny} × {nx} points, "
        f"not normalised.{place}{left}",
        alt=f"Map of the counts of {ny} times {nx} points, from {low:.4g} to {high:.4g}",
        draw=draw,
        table=Table(["part", "least", "median", "most", "in all"], cells, note="counts of a point"),
        size=grid_size(rows),
        raster=True,
    )


def _lead_title(data: xr.Dataset, leads: Sequence[str], number: int) -> str:
    """Where a plane of a scan of more directions lies."""
    import numpy as np

    if not leads:
        return ""
    at = np.unravel_index(number, [data.sizes[d] for d in leads])
    words = []
    for name, i in zip(leads, at, strict=True):
        if name in data.coords:
            unit = str(data[name].attrs.get("units", "1"))
            words.append(f"{name} {float(data[name][i]):g}{'' if unit == '1' else ' ' + unit}")
        else:
            words.append(f"{name} {int(i) + 1}")
    return ", ".join(words)
