"""Files of a simulated layered cell: one for each state, and what was planted beside them.

Each ``.hxt`` says ``simulated`` at the head of its prefix, each HDF5 file in an attribute, which
the reader turns into the origin of the measurement.  No public X-ray spectra of this detector
exist, so these are what the chain is tried on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["CellParams", "simulate_cell_files"]


ENDINGS = {"hxt": "hxt", "hdf5": "h5"}


class CellParams(BaseModel):
    """A cell in five states at one or two rates, three positions of the beam each.

    Attributes
    ----------
    rates : list of {"0.1 C", "1 C"}
        Whose published x are planted.
    rows, columns : int
        Of the detector, 80 × 80 in the instrument; fewer pixels are larger ones.
    bins : int
        Even ones from 10 to 150 keV.
    counts : float
        Compton counts of lithium alone in a pixel and state.
    drift : float
        Degrees by which the detector moves from the first state to the last.
    fwhm : float
        Resolution in keV.
    cathode, electrolyte, beam, shift : float
        µm; `shift` is what an analysis that takes the edges as aligned does not know.
    binder : float
        Mass fraction of carbon and PVDF in the cathode.
    forward : {"first", "second"}
        The world as the published analysis supposes it, or one that breaks its suppositions.
    layout : {"hxt", "hdf5"}
        Of the files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rates: list[Literal["0.1 C", "1 C"]] = ["0.1 C", "1 C"]
    rows: Annotated[int, Field(ge=1, le=400)] = 8
    columns: Annotated[int, Field(ge=1, le=400)] = 8
    bins: Annotated[int, Field(ge=50, le=20_000)] = 560
    counts: Annotated[float, Field(gt=0.0, le=1e9)] = 2e5
    drift: Annotated[float, Field(ge=-5.0, le=5.0)] = 0.0
    fwhm: Annotated[float, Field(gt=0.0, le=10.0)] = 0.8
    cathode: Annotated[float, Field(gt=0.0)] = 65.0
    electrolyte: Annotated[float, Field(gt=0.0)] = 30.0
    beam: Annotated[float, Field(gt=0.0)] = 250.0
    shift: float = 0.0
    binder: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    forward: Literal["first", "second"] = "first"
    layout: Literal["hxt", "hdf5"] = "hxt"


def simulate_cell_files(params: CellParams, seed: int, folder: Path) -> list[Path]:
    """Write ``cell-SEED-RATE-STATE-region-N.hxt``, and ``cell-SEED.truth.json`` beside them.

    What was planted is no measurement: it lies beside the files and is not in the returned list.
    """
    from consilience_compton.files.binned import write_binned
    from consilience_compton.files.hxt_layout import write_hxt
    from consilience_compton.model.cell import Cell
    from consilience_compton.simulation.forward import FIRST, SECOND
    from consilience_compton.simulation.spectra import simulate_cell

    cell = Cell(
        beam=params.beam,
        cathode=params.cathode,
        electrolyte=params.electrolyte,
        shift=params.shift,
        binder=params.binder,
    )
    files, truth = [], []
    for number, rate in enumerate(params.rates):
        made = simulate_cell(
            seed=seed + 7919 * number,
            rate=rate,
            rows=params.rows,
            columns=params.columns,
            bins=params.bins,
            counts=params.counts,
            drift=params.drift,
            fwhm=params.fwhm,
            model=FIRST if params.forward == "first" else SECOND,
            cell=cell,
        )
        shape = made.geometry
        prefix = (
            f"simulated;bins=keV;E1={shape.incident_energy:g};angle={shape.angle:g};"
            f"dist={shape.distance:g};pitch={shape.pitch:g};dir={shape.direction}"
        )
        attributes: dict[str, str | float] = {
            "origin": "simulated",
            "seed": float(seed),
            "incident_energy": shape.incident_energy,
            "scattering_angle": shape.angle,
            "distance": shape.distance or 0.0,
            "pixel_pitch": shape.pitch or 0.0,
            "angle_direction": shape.direction,
        }
        names: dict[str, list[str]] = {}
        for index, state in enumerate(made.states):
            for region in (1, 2, 3):
                words = f"cell-{seed}-{rate}-{index + 1}-{state}-region-{region}"
                path = folder / f"{words.replace(' ', '-')}.{ENDINGS[params.layout]}"
                counts, marks = made.counts[index, region - 1], made.edges[:-1]
                if params.layout == "hxt":
                    write_hxt(path, counts, marks, prefix=prefix)
                else:
                    write_binned(path, counts, marks, attributes=attributes)
                files.append(path)
                names.setdefault(state, []).append(path.name)
        truth.append({**made.truth, "files": names})
    told = folder / f"cell-{seed}.truth.json"
    content = {"origin": "simulated", "seed": seed, "cells": truth}
    told.write_text(
        json.dumps({**content, "parameters": params.model_dump()}, indent=1), encoding="utf-8"
    )
    return files
