"""A scan of detector frames as patterns: one integrator for all frames, no pixel split.

Every pixel goes to one bin, so that bins stay independent and the counts of a bin are Poisson.
Bad pixels of single frames are left out by a marker value, which spares a new look-up table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience_xrd.files._pyfai import FrameIntegrator, geometry_from
from consilience_xrd.maps.scan import (
    Block,
    Scan,
    clip_range,
    filled,
    point_indices,
    read_points,
    scan_axes,
)

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from consilience.checkpoints import Checkpoints

__all__ = ["DEAD_FROM", "LOOK", "frame_scan"]

LOOK = 64
"""Frames, spread over the scan, from which dead pixels are told."""
DEAD_FROM = 30.0
"""Counts that the neighbours of a pixel have together where the pixel has none: then it is dead."""
FRAME_BYTES = 64_000_000


def frame_scan(
    data: xr.Dataset,
    metadata: Mapping[str, Any],
    *,
    npt: int = 1000,
    q_min: float | None = None,
    q_max: float | None = None,
    polarization: float | None = None,
    saturation: float | None = None,
    checkpoints: Checkpoints | None = None,
) -> Scan:
    """Set up the integration of a scan of frames.

    Parameters
    ----------
    metadata : mapping
        With ``frame_geometry``: pyFAI's configuration, as the reader found it in the file or in
        a .poni; perhaps ``saturation``.
    npt : int
        Points of q.
    polarization : float, optional
        -1 to 1; None: not corrected.
    saturation : float, optional
        Counts from which a pixel is left out; by default what the file says.

    Raises
    ------
    BadInputError
        No geometry or wavelength; q range without pixels.
    BadFileError
        Every pixel is masked.
    """
    array = data["frames"]
    setup = geometry_from(metadata.get("frame_geometry"))
    side = (int(array.shape[-2]), int(array.shape[-1]))
    y, x = scan_axes(data, array, 2)
    points = len(y.values) * len(x.values)
    fixed = np.zeros(side, bool)
    if "pixel_mask" in data:
        fixed |= np.asarray(data["pixel_mask"].values) != 0
    told = {"shape": list(side), "masked_by_file": int(np.count_nonzero(fixed))}
    top = saturation
    stated = metadata.get("saturation")
    if top is None and isinstance(stated, int | float):
        top = float(stated)
    if top is None and array.dtype.kind in "iu":
        top = float(np.iinfo(array.dtype).max)
    dead, negative = _dead_pixels(array, points, fixed)
    told |= {
        "dead": int(np.count_nonzero(dead)),
        "negative": int(np.count_nonzero(negative)),
        "saturation": top,
    }
    fixed |= dead | negative
    if fixed.all():
        raise BadFileError(
            "every pixel of the frames is masked, dead or negative",
            fix="check the file's pixel_mask and the detector",
        )
    integrator = FrameIntegrator(setup, fixed, npt, polarization)
    q = integrator.q
    low, high = clip_range(q, q_min, q_max)
    step = int(np.clip(FRAME_BYTES // max(array.dtype.itemsize * side[0] * side[1], 1), 1, 512))
    blocks = [(i, min(i + step, points)) for i in range(0, points, step)]

    def compute(i: int) -> dict[str, NDArray[Any]]:
        frames = read_points(array, 2, *blocks[i])
        values = np.empty((len(frames), high - low))
        gain = np.empty((len(frames), high - low))
        lost = np.zeros(2, np.int64)
        for k, frame in enumerate(frames):
            bad = ~np.isfinite(frame) | (frame < 0)
            full = (frame >= top) if top is not None else np.zeros(side, bool)
            lost += [np.count_nonzero(bad & ~fixed), np.count_nonzero(full & ~fixed)]
            got = integrator.one(frame, bad | full)
            values[k], gain[k] = got[0][low:high], got[1][low:high]
        return {"values": values, "gain": gain, "lost": lost}

    def read(i: int) -> Block:
        kept = checkpoints.load(f"frames-{i}") if checkpoints is not None else None
        if kept is None:
            kept = compute(i)
            if checkpoints is not None:
                checkpoints.save(f"frames-{i}", kept)
        told["negative_in_single_frames"] = told.get("negative_in_single_frames", 0)
        empty = kept["gain"] <= 0
        values = filled(kept["values"], empty) if empty.any() else kept["values"]
        lost[i] = kept["lost"]
        told["negative_in_single_frames"] = int(sum(v[0] for v in lost.values()))
        told["saturated"] = int(sum(v[1] for v in lost.values()))
        return Block(values, kept["gain"], None)

    lost: dict[int, NDArray[np.int64]] = {}
    return Scan(
        y, x, q[low:high], blocks, read, "count" if _counts(array) else "arbitrary",
        integrator.wavelength, told,
        notes=(
            "frames were integrated with every pixel in one bin, corrected for solid angle"
            + ("" if polarization is None else f" and polarisation {polarization:g}"),
        ),
    )  # fmt: skip


def _counts(array: xr.DataArray) -> bool:
    return str(array.attrs.get("units")) == "count"


def _dead_pixels(
    array: xr.DataArray, points: int, masked: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pixels without any count where their neighbours have many, and pixels always negative."""
    from scipy.ndimage import uniform_filter

    chosen = np.unique(np.linspace(0, points - 1, min(points, LOOK)).astype(int))
    total = np.zeros(array.shape[-2:])
    below = np.zeros(array.shape[-2:], bool)
    first = True
    for point in chosen:
        (where, _), *_rest = point_indices(array, 2, int(point), int(point) + 1)
        frame = np.asarray(array.isel(where).values, dtype=np.float64).reshape(array.shape[-2:])
        below = (frame < 0) if first else below & (frame < 0)
        first = False
        total += np.where(np.isfinite(frame) & (frame > 0), frame, 0.0)
    good = ~masked & ~below
    # the median of rings would need the geometry; the mean around tells as much of one pixel
    around = uniform_filter(np.where(good, np.minimum(total, np.percentile(total, 99.9)), 0.0), 5)
    share = uniform_filter(good.astype(float), 5)
    expected = around / np.maximum(share, 1e-9)
    dead = good & (total == 0) & (expected >= DEAD_FROM)
    return dead, below & ~masked


def needs_geometry() -> BadInputError:
    """The error where frames come without geometry."""
    return BadInputError(
        "the frames have no geometry, so their pixels have no q",
        fix="register them with --with geometry=FILE.poni, or give distance, pixel size and beam "
        "centre in the file's NXdetector",
    )
