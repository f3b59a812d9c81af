"""Parameters of the line profiles."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["ProfileParams"]

Place = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, le=1e9, allow_inf_nan=False)]
LINE = re.compile(r"[A-Z][a-z]?_[KLMNO][a-z0-9]*")


class ProfileParams(BaseModel):
    """Parameters of `run_profile`.

    Parameters
    ----------
    start, end : (x, y), optional
        Ends of the line in nm, in the coordinates of the image; by default along x through the
        middle of the image.
    width : float, optional
        Of the strip that is averaged, across the line, nm; by default all of the image.
    step : float, optional
        Of a bin along the line, nm; by default a pixel.
    edges : tuple of str
        Of an energy-loss image: edges such as ``"O_K"``, a profile for each.
    lines : tuple of str
        Of an X-ray image: lines such as ``"Pt_La"``, a profile for each.
    window : (low, high), optional
        Counts between two energies (eV of losses, keV of X-rays), nothing subtracted; by default,
        without edges or lines, all counts.
    windows : dict
        Edge to windows of background and edge, as for ``eels.edges``.
    between : tuple of (low, high)
        Stretches along the line, nm, each with one interface; by default one for all of it.
    shape : {"erf", "logistic"}
        Of the interface; what the other one makes of it is a systematic error.
    counts_per_electron : float
        Variance of a count over its mean, of spectra; the scatter of the pixels across the strip
        is held against it.
    scale_std : float or None
        Relative standard deviation of the image's scale.  None: not known.
    frame : str, optional
        Name of the frame that the image's coordinates are in, the same for all recordings of one
        scan, so that their profiles can be compared; by default one of the measurement's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: tuple[Place, Place] | None = None
    end: tuple[Place, Place] | None = None
    width: Positive | None = None
    step: Positive | None = None
    edges: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    window: tuple[Place, Place] | None = None
    windows: dict[str, tuple[Positive, Positive, Positive, Positive]] = {}
    between: tuple[tuple[Place, Place], ...] = ()
    shape: Literal["erf", "logistic"] = "erf"
    counts_per_electron: Annotated[float, Field(gt=0.0, le=1e6)] = 1.0
    scale_std: Annotated[float, Field(ge=0.0, le=1.0)] | None = 0.015
    frame: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _sound(self) -> ProfileParams:
        if (self.start is None) != (self.end is None):
            raise ValueError("a line needs both 'start' and 'end'")
        for name in (*self.edges, *self.lines, *self.windows):
            if not LINE.fullmatch(name):
                raise ValueError(f"{name!r} is no edge or line; write for example 'O_K', 'Pt_La'")
        pairs = [*self.between] if self.window is None else [*self.between, self.window]
        for low, high in pairs:
            if low >= high:
                raise ValueError(f"{low:g} to {high:g} is no range; give the lower end first")
        return self
