"""Shares of volume at an interface: pores below it, fragments that hang on nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.model.finding import FindingDraft, Subject
from consilience_compton.findings.surface_params import SurfaceParams
from consilience_compton.findings.volume_input import Volume
from consilience_compton.surface.blocks import block_covariance, block_side, ratio_influence
from consilience_compton.surface.components import BOUNDARY, boundary_faces
from consilience_compton.surface.measure import Surface
from consilience_compton.surface.parts import pores_by_depth

__all__ = ["depth_voxels", "share_drafts"]

MOST_UNSEEN = 3.0
"""Pieces that may have been there and not been met, with 95 % certainty (Poisson)."""
DEPTH = 10
"""Voxels below the surface, where nobody says."""

JOINED = {
    6: "voxels that share a face hang together; a thread thinner than a voxel is not seen, nor "
    "whether a fragment conducts",
    26: "voxels that share a face, an edge or a corner hang together; a thread thinner than a "
    "voxel is not seen, nor whether a fragment conducts",
}


def depth_voxels(surface: Surface, volume: Volume, params: SurfaceParams) -> int:
    """Return how many voxels below the surface are looked at."""
    axis = surface.facing.axis
    most = int(volume.values.shape[axis])
    if params.subsurface is None:
        return min(DEPTH, most)
    return max(1, min(most, round(params.subsurface / volume.voxel[axis])))


def share_drafts(surface: Surface, volume: Volume, params: SurfaceParams) -> list[FindingDraft]:
    """Return findings on pores below the surface and on fragments."""
    return [_pores(surface, volume, params), _fragments(surface, volume, params)]


def _std(
    top: NDArray[np.float64], bottom: NDArray[np.float64], surface: Surface
) -> tuple[float, float | None]:
    share, influence = ratio_influence(top, bottom)
    found = surface.correlation
    length = found.longest if found.longest is not None else found.s_al
    side = block_side(top.shape, surface.heights.step, length)
    # nothing seen has no spread of its own, and that is no certainty
    std = block_covariance([influence], side).std() if top.any() else None
    return share, std


def _unseen(share: float, pieces: int, voxels: float, params: SurfaceParams) -> dict[str, Any]:
    """Where no piece was seen: the share that would have been met in 95 % of such volumes."""
    if pieces:
        return {"value": share}
    limit = min(1.0, MOST_UNSEEN * params.least_voxels / max(1.0, voxels))
    return {"value": None, "status": "absent_below_limit", "limit": limit}


def _pores(surface: Surface, volume: Volume, params: SurfaceParams) -> FindingDraft:
    axis = surface.facing.axis
    depth = depth_voxels(surface, volume, params)
    parts = surface.parts
    pores, whole = pores_by_depth(
        parts.solid,
        parts.outside,
        axis,
        surface.facing.side,
        surface.heights.heights,
        volume.voxel[axis],
        depth,
    )
    share, std = _std(pores.sum(axis=0), whole.sum(axis=0), surface)
    inside = ~parts.solid & ~parts.outside
    each = float(np.prod(volume.voxel))
    by_depth = pores.sum(axis=(1, 2)) / np.maximum(whole.sum(axis=(1, 2)), 1.0)
    edge = BOUNDARY * boundary_faces(inside) / max(1.0, float(whole.sum()))
    closed = len(parts.pores)
    return FindingDraft(
        kind="volume_fraction",
        subject=Subject(label="pores below the surface"),
        region=volume.region,
        unit="1",
        std_stat=std,
        std_sys=edge if closed else None,
        **_unseen(share, closed, float(whole.sum()), params),
        evidence={
            "quantity": "pores below the surface",
            "depth": depth * volume.voxel[axis],
            "share_by_depth": [float(v) for v in by_depth],
            "pores": closed,
            "pore_voxels": sum(parts.pores),
            "pore_volume": sum(parts.pores) * each if volume.unit == "um" else None,
            "largest_pore_voxels": parts.pores[0] if parts.pores else 0,
            "std_sys_parts": {"boundary": edge if closed else None},
        },
        assumptions=[
            "a pore is what is not solid and not joined to the outside (over faces, edges and "
            "corners)"
            if parts.connectivity == 6
            else "a pore is what is not solid and not joined to the outside (over faces)",
            f"pieces of fewer than {params.least_voxels} voxels are noise",
            "each pore may be as much larger or smaller as its boundary lies within a voxel",
        ],
        method="share of pores in the layer under the surface, column by column",
    )


def _fragments(surface: Surface, volume: Volume, params: SurfaceParams) -> FindingDraft:
    parts = surface.parts
    loose = parts.solid & ~parts.attached
    axis = surface.facing.axis
    top = loose.sum(axis=axis, dtype=np.float64)
    bottom = parts.solid.sum(axis=axis, dtype=np.float64)
    share, std = _std(top, bottom, surface)
    number = len(parts.fragments)
    edge = BOUNDARY * boundary_faces(loose) / max(1.0, float(bottom.sum()))
    each = float(np.prod(volume.voxel))
    return FindingDraft(
        kind="volume_fraction",
        subject=Subject(label="fragments"),
        region=volume.region,
        unit="1",
        std_stat=std,
        std_sys=edge if number else None,
        **_unseen(share, number, float(bottom.sum()), params),
        evidence={
            "quantity": "fragments apart from the body",
            "fragments": number,
            "fragment_voxels": sum(parts.fragments),
            "fragment_volume": sum(parts.fragments) * each if volume.unit == "um" else None,
            "largest_fragment_voxels": parts.fragments[0] if parts.fragments else 0,
            "specks_voxels": list(parts.specks),
            "connectivity": parts.connectivity,
            "std_sys_parts": {"boundary": edge if number else None},
        },
        assumptions=[
            JOINED[parts.connectivity],
            "a fragment cut off by the sides of the volume may be joined outside of it",
            f"pieces of fewer than {params.least_voxels} voxels are noise",
        ],
        method="share of the solid that does not hang together with the end of the volume",
    )
