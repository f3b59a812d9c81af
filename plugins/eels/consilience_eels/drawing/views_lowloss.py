"""Zero losses, drift, single scattering and spliced spectra as pictures and as tables."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette
from consilience_eels.drawing.views_image import picture

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["frames_view", "joined_view", "zero_loss_view"]

ROWS = 32
FEWEST = 2
"""Pixels each way that make a picture."""


def zero_loss_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw where each zero loss lies and how wide it is; name the spikes."""
    blocks: list[Block] = []
    for measurement, finding in _said(measurements, findings, ("energy_resolution",)):
        name = measurement.record.name
        simulated = measurement.record.origin == "simulated"
        if finding.status == "not_observable":
            blocks.append(
                Text(f"{name}: the energy resolution is not observable: {finding.reason}.", "note")
            )
            continue
        if finding.array is not None:
            data = context.open_array(finding.array)
            for variable, title, what in (
                ("position", "place of the zero loss", "energy (eV)"),
                ("fwhm", "width of the zero loss", "FWHM (eV)"),
            ):
                array = data.get(variable)
                if array is not None and array.ndim == 2 and min(array.shape) >= FEWEST:
                    blocks.append(picture(array, f"{name}: {title}", what, simulated=simulated))
        spikes = finding.evidence.get("spike_list")
        if isinstance(spikes, list) and spikes:
            rows: list[list[Cell]] = [
                [", ".join(str(i) for i in one["pixel"]) or "–", float(one["energy_eV"])]
                for one in spikes
                if isinstance(one, dict)
            ]
            blocks.append(
                Table(["pixel (row, column)", "at (eV)"], rows, title=f"{name}: spikes found")
            )
    return blocks


def frames_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw the drift of a series of frames."""
    blocks: list[Block] = []
    for measurement, finding in _said(measurements, findings, ("drift",)):
        name = measurement.record.name
        if finding.status == "not_observable":
            blocks.append(Text(f"{name}: drift is not observable: {finding.reason}.", "note"))
        elif finding.array is not None:
            data = context.open_array(finding.array)
            blocks.append(_drift(data, measurement, finding))
    return blocks


def joined_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw spectra freed of plural scattering, and spectra joined of low and core loss."""
    blocks: list[Block] = []
    for measurement, finding in _said(
        measurements, findings, ("single_scattering", "splice_scale")
    ):
        name = measurement.record.name
        if finding.status == "not_observable":
            blocks.append(
                Text(f"{name}: single scattering is not observable: {finding.reason}.", "note")
            )
        elif finding.array is not None:
            data = context.open_array(finding.array)
            blocks.append(_spectrum(data, measurement, finding))
    return blocks


def _said(
    measurements: Sequence[Measurement], findings: Sequence[Finding], kinds: tuple[str, ...]
) -> list[tuple[Measurement, Finding]]:
    """Findings of these kinds, each with the last measurement that it rests on."""
    known = {m.id: m for m in measurements}
    found = []
    for finding in findings:
        own = [known[i] for i in finding.measurements if i in known]
        if finding.kind in kinds and own:
            found.append((own[-1], finding))
    return found


def _drift(data: xr.Dataset, measurement: Measurement, finding: Finding) -> Figure:
    import numpy as np

    unit = str(data["shift_x"].attrs["units"])
    unit = "pixels" if unit == "1" else unit
    frames = data["frame"].values
    both = [data[f"shift_{d}"].values for d in ("y", "x")]
    errors = [
        data[f"shift_{d}_std"].values if f"shift_{d}_std" in data else np.zeros(frames.size)
        for d in ("y", "x")
    ]
    simulated = "SIMULATED " if measurement.record.origin == "simulated" else ""
    name = measurement.record.name

    def draw(figure: MatplotlibFigure) -> None:
        from matplotlib.ticker import MaxNLocator

        axes = figure.add_subplot()
        for i, (label, marker) in enumerate((("along y", "o"), ("along x", "s"))):
            axes.errorbar(
                frames,
                both[i],
                2.0 * errors[i],
                color=palette()[i],
                marker=marker,
                markersize=3.5,
                linewidth=0.9,
                label=label,
            )
        axes.set_xlabel("frame")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel(f"shift ({unit})")
        axes.axhline(0.0, color="0.7", linewidth=0.8)
        axes.legend(frameon=False)
        if simulated:
            axes.set_title("simulated data")

    rows: list[list[Cell]] = [
        [int(k), *(float(f"{v[k]:.4g}") for v in (both[0], errors[0], both[1], errors[1]))]
        for k in range(frames.size)
    ]
    size = finding.evidence.get("pixels_of_the_sum")
    of_sum = f" All frames share {size[0]} × {size[1]} pixels." if isinstance(size, list) else ""
    factor = finding.evidence.get("noise_factor_of_the_sum")
    noise = (
        f" The variance of a pixel of their sum is {float(factor):.2f} of that of its counts, as "
        "neighbours share electrons."
        if isinstance(factor, float) and factor < 0.999
        else ""
    )
    return Figure(
        title=f"{simulated}{name}: drift",
        caption=f"{simulated}Shift of {frames.size} frames from the first; bars: two standard "
        f"deviations.{of_sum}{noise}",
        alt=f"Shift of {frames.size} frames, the farthest {finding.value:.3g} {unit} away",
        draw=draw,
        table=Table(["frame", f"y ({unit})", "± (1 σ)", f"x ({unit})", "± (1 σ) "], rows),
        size=(8.0, 3.2),
    )


LABEL = {
    "single_scattering": "single scattering",
    "without_plural_scattering": "without plural scattering",
    "net": "edge as recorded, background off",
    "counts": "joined",
}


def _spectrum(data: xr.Dataset, measurement: Measurement, finding: Finding) -> Figure:
    import numpy as np

    energy = data["energy_loss"].values
    curves = {
        str(k): v.values
        for k, v in data.data_vars.items()
        if str(k) in LABEL and v.dims == ("energy_loss",)
    }
    errors = {k: data[f"{k}_std"].values for k in curves if f"{k}_std" in data}
    joined = finding.kind == "splice_scale"
    simulated = "SIMULATED " if measurement.record.origin == "simulated" else ""
    tapered = finding.evidence.get("channels_tapered")
    skip = tapered if isinstance(tapered, int) and energy.size > 4 * tapered else 0
    seam = finding.evidence.get("seam_eV")

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        kept = slice(skip, energy.size - skip)
        for i, (name, values) in enumerate(curves.items()):
            label = LABEL[name]
            colour = palette()[i]
            axes.plot(energy[kept], values[kept], color=colour, linewidth=0.9, label=label)
            if name in errors:
                low, high = values - 2 * errors[name], values + 2 * errors[name]
                axes.fill_between(
                    energy[kept], low[kept], high[kept], color=colour, alpha=0.25, linewidth=0
                )
        axes.set_xlabel("energy loss (eV)")
        axes.set_ylabel("counts")
        axes.margins(x=0.0)
        if joined:
            axes.set_yscale("symlog", linthresh=10.0)
            if isinstance(seam, float):
                axes.axvline(seam, color="0.5", linewidth=0.8, linestyle=":")
                axes.annotate(
                    "seam",
                    (seam, 0.95),
                    xycoords=("data", "axes fraction"),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="top",
                    fontsize=8,
                )
        elif len(curves) > 1:
            axes.legend(frameon=False)
        if simulated:
            axes.set_title("simulated data")

    edges = np.linspace(0, energy.size, min(ROWS, energy.size) + 1).astype(int).tolist()
    rows: list[list[Cell]] = [
        [
            round(float(energy[a]), 3),
            round(float(energy[b - 1]), 3),
            *(float(f"{v[a:b].mean():.5g}") for v in curves.values()),
        ]
        for a, b in pairwise(edges)
    ]
    name = measurement.record.name
    band = " Band: two standard deviations from counting." if errors else ""
    if joined and finding.value is not None:
        what = "low and core loss joined"
        std = "unknown" if finding.std is None else f"{finding.std:.2g}"
        said = f"One count of the core loss is {finding.value:.4g} ± {std} of the low loss."
    else:
        what = "without plural scattering"
        said = f"{finding.method}; {skip} channels at either end, which mean nothing, are left out."
    return Figure(
        title=f"{simulated}{name}: {what}",
        caption=f"{simulated}{said}{band}",
        alt=f"Spectrum of {name} from {energy[0]:g} to {energy[-1]:g} eV, {what}",
        draw=draw,
        table=Table(
            ["from (eV)", "to (eV)", *(f"mean of {LABEL[k]} (counts)" for k in curves)],
            rows,
            note=f"{energy.size} channels in {len(rows)} groups",
        ),
        raster=energy.size > 20_000,
    )
