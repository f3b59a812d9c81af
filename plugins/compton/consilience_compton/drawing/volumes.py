"""Slices through the middle of a volume, and what each label or grey value fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext
from consilience_compton.drawing.maps import UNITS, called, draw_bar, extent_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["volume_view"]

PLANES = (("z", "y", "x"), ("y", "z", "x"), ("x", "z", "y"))
"""Axis across the slice, axis down, axis along."""
LABELS = ("#1b1b1b", "#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#0072B2", "#D55E00")
MOST = 800


def volume_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw three slices through the middle of each volume; of projections the mean of each kind."""
    del context
    blocks: list[Block] = []
    for measurement in measurements:
        if measurement.has("projections"):
            blocks.append(_projections(measurement))
            continue
        blocks.append(_slices(measurement))
        rows = _shares(measurement, findings)
        if rows:
            blocks.append(
                Table(
                    ["phase", "part", "share", "statistical", "systematic"],
                    rows,
                    title=f"{called(measurement)}: shares of the volume",
                )
            )
    return blocks


def _shares(measurement: Measurement, findings: Sequence[Finding]) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for finding in findings:
        own = measurement.id in finding.measurements
        if not own or finding.kind not in ("volume_fraction", "volume_ratio"):
            continue
        if finding.subject is None or finding.value is None:
            continue
        part = finding.region.label or "a box" if finding.region is not None else "all"
        rows.append(
            [
                finding.subject.label,
                part,
                round(finding.value, 5),
                None if finding.std_stat is None else round(finding.std_stat, 5),
                None if finding.std_sys is None else round(finding.std_sys, 5),
            ]
        )
    return rows


def _slices(measurement: Measurement) -> Figure | Text:
    import numpy as np

    name = "labels" if measurement.has("labels") else "grey"
    array = measurement.data[name]
    unit = str(array["z"].attrs.get("units", "1"))
    middle = {a: array.sizes[a] // 2 for a in ("z", "y", "x")}
    cuts: list[tuple[str, Any]] = []
    for axis, down, along in PLANES:
        thin = {a: slice(None, None, max(1, array.sizes[a] // MOST)) for a in (down, along)}
        cuts.append((axis, array.isel({axis: middle[axis]}).isel(thin).load()))
    simulated = measurement.record.origin == "simulated"
    mark = "SIMULATED " if simulated else ""
    labels = np.unique(np.concatenate([np.unique(cut.values) for _, cut in cuts]))
    few = name == "labels" and labels.size <= len(LABELS)
    grey = [cut.values[np.isfinite(cut.values)] for _, cut in cuts]
    low, high = np.percentile(np.concatenate([g.ravel() for g in grey]), [0.5, 99.5])

    def draw(figure: MatplotlibFigure) -> None:
        from matplotlib.colors import ListedColormap
        from matplotlib.patches import Patch

        panels = figure.subplots(1, 3)
        for panel, (axis, cut) in zip(panels, cuts, strict=True):
            down, along = cut.dims
            if down == "z":  # upwards, as a cell stands
                cut = cut[::-1]  # noqa: PLW2901
            extent = extent_of(cut[down].values, cut[along].values)
            values = np.searchsorted(labels, cut.values) if few else cut.values
            panel.imshow(
                values,
                extent=extent,
                interpolation="nearest",
                **(
                    {
                        "cmap": ListedColormap(list(LABELS[: labels.size])),
                        "vmin": -0.5,
                        "vmax": labels.size - 0.5,
                    }
                    if few
                    else {"cmap": "gray", "vmin": low, "vmax": high}
                ),
            )
            panel.set_title(f"{axis} = {float(cut[axis]):.4g} {UNITS.get(unit, unit)}", fontsize=9)
            panel.set_xlabel(str(along))
            panel.set_ylabel(str(down))
            panel.set_xticks([])
            panel.set_yticks([])
            draw_bar(
                panel, extent[0], extent[2], extent[1] - extent[0], extent[2] - extent[3], unit
            )
        if few:
            patches = [
                Patch(facecolor=LABELS[i], label=f"label {v}")
                for i, v in enumerate(labels.tolist())
            ]
            figure.legend(
                handles=patches, loc="outside lower center", ncols=len(patches), frameon=False
            )
        if simulated:
            figure.suptitle("simulated data", fontsize=9)

    rows: list[list[Cell]] = []
    for axis, cut in cuts:
        values = cut.values
        if few:
            rows += [
                [axis, f"label {v}", round(float((values == v).mean()), 5)] for v in labels.tolist()
            ]
        else:
            fine = values[np.isfinite(values)]
            rows.append([axis, "mean grey value", round(float(fine.mean()), 5)])
            rows.append([axis, "standard deviation", round(float(fine.std()), 5)])
    shape = " × ".join(str(array.sizes[a]) for a in ("z", "y", "x"))
    size = "voxels of unknown size"
    if unit == "um":
        steps = [float(array[a].values[1] - array[a].values[0]) for a in ("z", "y", "x")]
        size = f"voxels of {' × '.join(f'{s:.4g}' for s in steps)} µm"
    return Figure(
        title=f"{mark}{called(measurement)}: slices through the middle",
        caption=f"{shape} {size} (z × y × x).",
        alt="Three slices through the volume, across z, y and x",
        draw=draw,
        table=Table(["slice across", "what", "share or value"], rows),
        size=(8.0, 3.4),
        raster=True,
    )


def _projections(measurement: Measurement) -> Figure:
    import numpy as np

    array = measurement.data["projections"]
    key = measurement.data["image_key"].values
    means = {}
    for value, name in ((0, "projections"), (1, "flats"), (2, "darks")):
        places = np.flatnonzero(key == value)
        if places.size:
            picked = places[:: max(1, places.size // 50)]
            means[name] = np.mean([array[int(i)].values for i in picked], axis=0)
    mark = "SIMULATED " if measurement.record.origin == "simulated" else ""

    def draw(figure: MatplotlibFigure) -> None:
        panels = np.atleast_1d(figure.subplots(1, len(means)))
        for panel, (name, mean) in zip(panels, means.items(), strict=True):
            drawn = panel.imshow(mean, cmap="gray", interpolation="nearest")
            panel.set_title(name, fontsize=9)
            panel.set_xlabel("column")
            panel.set_ylabel("row")
            figure.colorbar(drawn, ax=panel, label="mean (adu)", shrink=0.55)

    rows: list[list[Cell]] = [
        [name, int((key == value).sum()), round(float(means[name].mean()), 3)]
        for value, name in ((0, "projections"), (1, "flats"), (2, "darks"))
        if name in means
    ]
    return Figure(
        title=f"{mark}{called(measurement)}: projections",
        caption="Means of up to 50 frames of each kind. These are projections, not a "
        "reconstructed volume: no surface can be told from them.",
        alt="Mean projection, flat and dark frames",
        draw=draw,
        table=Table(["frames", "number", "mean (adu)"], rows),
        size=(8.0, 3.0),
        raster=True,
    )
