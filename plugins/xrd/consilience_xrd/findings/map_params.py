"""Parameters of the analysis of maps."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from consilience_xrd.findings.params import PhaseParams

__all__ = ["MapsParams"]


class MapsParams(PhaseParams):
    """How a map is fitted, beside how peaks and phases of its patterns are found.

    `regions` names rectangles of points: first row, last row + 1, first column, last column + 1;
    without it points with similar lines are grouped.
    """

    batch_baseline: Literal["arpls", "asls"] = Field(
        "arpls", description="baseline under each pattern of the map"
    )
    q_min: float | None = Field(None, gt=0, description="lowest q used [1/angstrom]")
    q_max: float | None = Field(None, gt=0, description="highest q used [1/angstrom]")
    regions: dict[str, tuple[int, int, int, int]] | None = None
    most_regions: int = Field(5, ge=1, le=20, description="groups of points, at most")
    decision: float = Field(3.0, ge=1, description="area over its std from which a line is there")
    stands_out: float = Field(
        8.0, ge=2, description="the same, from which its centre and width are fitted"
    )
    largest_shift: float = Field(
        1.0, gt=0, le=5, description="of a line's centre from the mean's, in widths"
    )
    npt: int = Field(1000, ge=50, le=20_000, description="points of q that frames are binned into")
    polarization: float | None = Field(None, ge=-1, le=1, description="of the beam, for frames")
    saturation: float | None = Field(
        None, gt=0, description="counts of a pixel from which it is left out"
    )
