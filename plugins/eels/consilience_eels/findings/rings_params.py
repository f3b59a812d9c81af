"""Parameters of the analyses of rings."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["RingParams", "RingSeriesParams"]


class RingParams(BaseModel):
    """Parameters of `run_rings`.

    Parameters
    ----------
    smallest, largest : float
        Spacings that are looked for, Å.
    tile : int, optional
        Pixels along a side of the pieces of an image whose spectra are averaged; by default the
        image's smaller side, at most 1024.
    centre : (float, float), optional
        Row and column of the direct beam of a pattern; found by its symmetry otherwise.
    k_step : float, optional
        1/nm for each pixel of a pattern, where its file is not calibrated or wrongly.
    calibration : float, optional
        Relative standard deviation of the scale; unknown otherwise, and so is `std_sys`.
    least : float
        Area of a ring over its error.
    phases : tuple of str
        Cubic phases, such as ``LiF``, as whose lines rings are taken where they lie within
        `tolerance` of them.
    tolerance : float
        Relative, for lines of phases.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    smallest: Annotated[float, Field(gt=0.1, le=20.0)] = 0.8
    largest: Annotated[float, Field(gt=0.5, le=100.0)] = 12.0
    tile: Annotated[int, Field(ge=32, le=4096)] | None = None
    centre: tuple[float, float] | None = None
    k_step: Annotated[float, Field(gt=0.0, le=10.0)] | None = None
    calibration: Annotated[float, Field(gt=0.0, le=0.2)] | None = None
    least: Annotated[float, Field(ge=3.0, le=100.0)] = 5.0
    phases: tuple[str, ...] = ()
    tolerance: Annotated[float, Field(gt=0.0, le=0.1)] = 0.015


class RingSeriesParams(RingParams):
    """Parameters of `run_ring_series`: those of `run_rings`, and what the series runs along.

    Parameters
    ----------
    along : str
        State variable with the dose in e/Å².  Where no measurement has it, the fluences of the
        files are added up in the order in which they were registered.
    gate : float
        Relative difference of k up to which rings of two states are one.
    """

    along: str = "dose"
    gate: Annotated[float, Field(gt=0.0, le=0.1)] = 0.02
