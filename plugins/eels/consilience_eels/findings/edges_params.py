"""Parameters of ``eels.edges``."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from consilience.model.elements import SYMBOLS

__all__ = ["EdgesParams"]

EDGE = re.compile(r"([A-Z][a-z]?)_[KLMNO][1-7]*a?")
Place = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, le=1e6, allow_inf_nan=False)]
Energy = Annotated[float, Field(gt=0.0, le=1e5, allow_inf_nan=False)]


class EdgesParams(BaseModel):
    """Parameters of `run_edges`.

    Parameters
    ----------
    elements : tuple of str
        What is asked for; by default what the file and the sample list.
    windows : dict
        Edge, such as ``"O_K"``, to four energies in eV: window of the background, window of the
        edge.  By default they follow from the tabulated onsets of all elements asked for.
    box : (x low, y low, x high, y high), optional
        Of a spectrum image, nm: only the pixels whose centres lie in it.  Layers that differ do
        not add up to a power law, and the limits of their sum say so.
    background : {"power law", "linear combination"}
        Of the maps: a power law for each pixel, or two with exponents that all pixels share,
        which leaves less noise in pixels of few counts.  Sums have a power law of their own.
    counts_per_electron : float or "estimate" or None
        The detector's gain.  "estimate": from the scatter of the channels before the edges.
        None: not known, and no counting error either.
    readout_std : float
        Standard deviation of a channel of one pixel from reading the camera, counts.
    curvature : float
        What the background may depart from a power law beforehand: standard deviation of c in
        ``ln b = a − r ln E + c (ln E)²``.  0: it is one.
    cross_section_std : float
        Relative standard deviation of a hydrogenic cross section, independent between edges.
    beam_energy : float, optional
        keV, where the file does not say it.
    convergence_angle, collection_angle : float, optional
        Semi-angles in mrad, where the file does not say them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    elements: tuple[str, ...] = ()
    windows: dict[str, tuple[Energy, Energy, Energy, Energy]] = {}
    box: tuple[Place, Place, Place, Place] | None = None
    background: Literal["power law", "linear combination"] = "power law"
    counts_per_electron: Positive | Literal["estimate"] | None = "estimate"
    readout_std: Annotated[float, Field(ge=0.0, le=1e6, allow_inf_nan=False)] = 0.0
    curvature: Annotated[float, Field(ge=0.0, le=100.0)] = 0.5
    cross_section_std: Annotated[float, Field(ge=0.0, le=2.0)] = 0.10
    beam_energy: Annotated[float, Field(gt=0.0, le=5000.0)] | None = None
    convergence_angle: Annotated[float, Field(ge=0.0, le=1000.0)] | None = None
    collection_angle: Annotated[float, Field(gt=0.0, le=1000.0)] | None = None

    @model_validator(mode="after")
    def _sound(self) -> EdgesParams:
        wrong = [e for e in self.elements if e not in SYMBOLS]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no element symbol; write for example 'Li'")
        named = []
        for edge, four in self.windows.items():
            found = EDGE.fullmatch(edge)
            if not found or found[1] not in SYMBOLS:
                raise ValueError(f"{edge!r} is no edge; write for example 'O_K'")
            if not four[0] < four[1] <= four[2] < four[3]:
                raise ValueError(
                    f"windows of {edge}: {four} do not rise; the background comes before the edge"
                )
            named.append(found[1])
        if self.box and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ValueError(f"box {self.box}: give x low, y low, x high, y high")
        twice = sorted({e for e in named if named.count(e) > 1})
        if twice:
            raise ValueError(f"more than one edge is named for {', '.join(twice)}")
        return self
