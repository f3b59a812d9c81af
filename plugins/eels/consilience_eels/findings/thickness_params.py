"""Parameters of ``eels.thickness``."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from consilience_eels.findings.regions import Box

__all__ = ["ThicknessParams"]

Angle = Annotated[float, Field(gt=0.0, le=1000.0)]


class ThicknessParams(BaseModel):
    """Parameters of `consilience_eels.findings.thickness_run.run_thickness`.

    Parameters
    ----------
    threshold : float, optional
        In eV, parts elastic from inelastic; by default exSpy finds it in the (summed) spectrum.
    counts_per_electron : float, optional
        The detector's gain.  Files do not say it in a way that can be relied on; where it is not
        known, the counting error is not known either.
    align : bool
        Count the threshold from each pixel's own zero loss instead of from the axis's 0.
    density : float, optional
        Of the material, in g/cm³; where it is given the thickness is also said in nm.
    material : str
        What has this density, for the record.
    beam_energy : float, optional
        In keV; by default what the file says.
    convergence_angle, collection_angle : float, optional
        Half-angles in mrad; by default what the file says.
    regions : tuple of Box
        Parts of a map for which t/λ is said as well.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: Annotated[float, Field(gt=0.0, le=100.0)] | None = None
    counts_per_electron: Annotated[float, Field(gt=0.0, le=1e6)] | None = None
    align: bool = False
    density: Annotated[float, Field(gt=0.0, le=25.0)] | None = None
    material: str = ""
    beam_energy: Annotated[float, Field(gt=1.0, le=3000.0)] | None = None
    convergence_angle: Angle | None = None
    collection_angle: Angle | None = None
    regions: tuple[Box, ...] = ()
