"""Simulated volumes of the interface of an anode in five states, as TIFF with a voxel size.

Every file says that it is simulated.  What was put in stands in ``volumes_truth.json`` beside
them, which no reader takes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["STATES", "VolumeParams", "simulate_volumes"]

STATES = ("pristine", "charging", "end_of_charge", "discharging", "end_of_discharge")


class VolumeParams(BaseModel):
    """Parameters of `simulate_volumes`; lengths in um.

    `roughness` are the expected arithmetic mean heights S_a of the states, by default those
    published for an anode at 0.1 C (there called R_a); `length` is the distance at which
    heights forget each other.  `tilt` (um for each um) and `bow` (um over the whole width) are
    put on top.  `pores` and `fragments` are numbers in the last state; each state before has fewer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    roughness: tuple[float, ...] = (5.07, 5.28, 5.38, 5.73, 6.10)
    rows: Annotated[int, Field(ge=16, le=2048)] = 64
    columns: Annotated[int, Field(ge=16, le=2048)] = 80
    depth: Annotated[int, Field(ge=16, le=2048)] = 36
    voxel: Annotated[float, Field(gt=0.0, le=100.0)] = 3.25
    length: Annotated[float, Field(gt=0.0, le=1000.0)] = 10.0
    spectrum: Literal["gaussian", "power_law", "moss"] = "gaussian"
    tilt: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.02
    bow: Annotated[float, Field(ge=-100.0, le=100.0)] = 5.0
    kind: Literal["labels", "grey"] = "labels"
    blur: Annotated[float, Field(ge=0.0, le=10.0)] = 0.8
    noise: Annotated[float, Field(ge=0.0, le=10_000.0)] = 60.0
    pores: Annotated[int, Field(ge=0, le=10_000)] = 8
    fragments: Annotated[int, Field(ge=0, le=10_000)] = 4
    states: Annotated[int, Field(ge=1, le=5)] = 5


def simulate_volumes(params: VolumeParams, seed: int, folder: Path) -> list[Path]:
    """Write one volume for each state; label 1 (or the brighter grey) is the electrode.

    Returns
    -------
    list of Path
        ``anode_<state>.tif``.
    """
    import json

    import numpy as np
    import tifffile

    from consilience_compton.simulation.rough import (
        filled_volume,
        imaged,
        rough_heights,
        with_pores_and_fragments,
    )

    paths: list[Path] = []
    truth: dict[str, object] = {"seed": seed, "parameters": params.model_dump(mode="json")}
    y, x = np.mgrid[: params.rows, : params.columns] * params.voxel
    across = params.tilt * (x + 0.5 * y)
    bowed = params.bow * ((2.0 * x / x.max() - 1.0) ** 2 - 0.5)
    for i, state in enumerate(STATES[: params.states]):
        s_a = params.roughness[min(i, len(params.roughness) - 1)]
        chance = np.random.default_rng((seed, i))
        rough = rough_heights(
            (params.rows, params.columns),
            params.voxel,
            s_a,
            params.length,
            int(chance.integers(2**31)),
            params.spectrum,
        )
        heights = rough + across - across.mean() + bowed
        heights += 0.55 * params.depth * params.voxel - heights.mean()
        full = filled_volume(heights, params.depth, params.voxel)
        share = i / max(1, len(STATES) - 1)
        full, pore_voxels, fragment_voxels = with_pores_and_fragments(
            full,
            heights,
            params.voxel,
            round(share * params.pores),
            round(share * params.fragments),
            2.5,
            chance,
        )
        if params.kind == "labels":
            volume = (full > 0.5).astype(np.uint8)
        else:
            grey = imaged(full, 400.0, 1400.0, params.blur, params.noise, chance)
            volume = np.clip(np.rint(grey), 0, 65535).astype(np.uint16)
        path = folder / f"anode_{state}.tif"
        tifffile.imwrite(
            path,
            volume,
            imagej=True,
            resolution=(1.0 / params.voxel, 1.0 / params.voxel),
            metadata={
                "axes": "ZYX",
                "spacing": params.voxel,
                "unit": "um",
                "origin": "simulated",
                "seed": seed,
            },
        )
        truth[state] = {
            "expected_s_a_um": s_a,
            "s_a_of_this_surface_um": float(np.mean(np.abs(rough - rough.mean()))),
            "pore_voxels": pore_voxels,
            "fragment_voxels": fragment_voxels,
            "solid_voxels": int((full > 0.5).sum()),
        }
        paths.append(path)
    (folder / "volumes_truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
    return paths
