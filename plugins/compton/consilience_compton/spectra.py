"""Spectra of modality ``compton`` as every room here takes them: what they hold, and where.

Variables and coordinates
    ``counts`` (count)
        over ``(row, column, energy)``, ``(region, energy)``, ``(state, energy)`` or ``(energy,)``;
        before calibration the last dimension is ``channel`` instead.
    ``energy`` (keV)
        Centres of the bins.  ``energy_edges`` (keV) over ``energy_edge`` holds their n + 1
        edges; bins need not be even.  Use `energy_edges_of`: it refuses axes in channels.
    ``good`` (1), optional
        1 for pixels that may be used, over ``(row, column)``.
    ``energy_scale`` (1) and ``energy_shift`` (keV), optional
        A pixel's own scale, over ``(row, column)``: a photon's energy is ``energy_scale`` times
        what the common axis says, plus ``energy_shift``.  `pixel_scale_of` returns both.
    ``shared_counts`` (count), optional
        Hits with a neighbour above threshold in the same frame, kept apart from ``counts``.

Metadata of the measurement (absent where the file says nothing)
    ``incident_energy`` (keV), ``scattering_angle`` (deg, at the middle of the detector),
    ``distance`` (mm, sample to detector), ``pixel_pitch`` (um), ``live_time`` (s), each
    ``{"value": …, "unit": …}``; ``angle_direction``: ``+row``, ``-row``, ``+column`` or
    ``-column``, along which the scattering angle grows; ``monitor``: a number.

Large cubes stay in the file: go through `blocks_of_rows` and never ask for ``.values`` of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadInputError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

__all__ = [
    "BLOCK_BYTES",
    "blocks_of_rows",
    "centres",
    "energy_edges_of",
    "number_of",
    "pixel_scale_of",
    "spectra_dataset",
]

BLOCK_BYTES = 8 << 20
"""Of one block of counts while a cube is walked through."""


def centres(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middles of n bins from their n + 1 edges."""
    middle: NDArray[np.float64] = 0.5 * (edges[:-1] + edges[1:])
    return middle


def spectra_dataset(
    counts: Any,
    edges: NDArray[np.float64] | None,
    dims: tuple[str, ...] = (),
    *,
    good: NDArray[np.bool_] | None = None,
) -> xr.Dataset:
    """Return counts with their axis in the form that every room takes.

    Parameters
    ----------
    counts : array_like, shape (…, n)
        An array, or a lazily indexed xarray variable.
    edges : ndarray, shape (n + 1,) or None
        In keV, rising; None: the axis is ``channel`` (0 … n − 1).
    dims : tuple of str
        Names of the dimensions before the last.
    good : ndarray of bool, optional
        Pixels that may be used, shape ``counts.shape[:-1]``.

    Returns
    -------
    xarray.Dataset
    """
    import xarray as xr

    last = "channel" if edges is None else "energy"
    data = getattr(counts, "_data", counts)
    variables: dict[str, Any] = {"counts": ((*dims, last), data, {"units": "count"})}
    if good is not None:
        variables["good"] = (dims, np.asarray(good, dtype=np.uint8), {"units": "1"})
    coordinates: dict[str, Any] = {}
    if edges is None:
        n = int(counts.shape[-1])
        coordinates["channel"] = ("channel", np.arange(n, dtype=np.float64), {"units": "1"})
    else:
        known = {"units": "keV", "long_name": "energy of the photons"}
        coordinates["energy"] = ("energy", centres(edges), known)
        coordinates["energy_edges"] = ("energy_edge", edges, {"units": "keV"})
    return xr.Dataset(variables, coords=coordinates)


def energy_edges_of(data: xr.Dataset) -> NDArray[np.float64]:
    """Return the edges of the energy bins.

    Parameters
    ----------
    data : xarray.Dataset
        With ``counts`` over ``energy``; the edges are taken from ``energy_edges``, or lie
        half-way between the centres where a file gave only these.

    Returns
    -------
    ndarray, shape (n + 1,)
        In keV, rising.

    Raises
    ------
    BadInputError
        The axis is in channels, has fewer than two bins, or does not rise.
    """
    if "energy" not in data.dims:
        raise BadInputError(
            "the energy axis of these spectra is in channels: no energy, no momentum",
            fix="add the file with its bins' unit or gain and intercept, or run "
            "compton.calibration, which fits the detector's own lines",
        )
    if "energy_edges" in data.coords or "energy_edges" in data.variables:
        edges = np.asarray(data["energy_edges"].values, dtype=np.float64)
    else:
        middle = np.asarray(data["energy"].values, dtype=np.float64)
        if middle.size < 2:
            raise BadInputError(
                f"the energy axis has {middle.size} bins", fix="give spectra with several bins"
            )
        half = 0.5 * np.diff(middle)
        inner = middle[:-1] + half
        edges = np.concatenate([[middle[0] - half[0]], inner, [middle[-1] + half[-1]]])
    if edges.size < 3 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise BadInputError(
            f"the {edges.size} edges of the energy bins do not rise",
            fix="give the bins in rising order, all of them numbers",
        )
    return edges


def pixel_scale_of(
    data: xr.Dataset,
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return each pixel's own energy scale, or None where all share the common axis.

    Parameters
    ----------
    data : xarray.Dataset

    Returns
    -------
    (scale, shift) or None
        Arrays over ``(row, column)``: energy = scale × stated energy + shift, in keV.
    """
    if "energy_scale" not in data.variables or "energy_shift" not in data.variables:
        return None
    scale, shift = data["energy_scale"].values, data["energy_shift"].values
    return np.asarray(scale, dtype=np.float64), np.asarray(shift, dtype=np.float64)


def number_of(metadata: Mapping[str, Any], name: str, unit: str) -> float | None:
    """Return a number of a measurement's metadata, or None where it is not stated.

    Raises
    ------
    BadInputError
        It is in another unit.
    """
    value = metadata.get(name)
    if value is None:
        return None
    if isinstance(value, Mapping):
        if value.get("unit") != unit:
            raise BadInputError(
                f"{name} is in {value.get('unit')!r}, expected {unit!r}",
                fix=f"state {name} in {unit}",
            )
        value = value.get("value")
    return None if value is None else float(value)


def blocks_of_rows(
    counts: xr.DataArray, block_bytes: int = BLOCK_BYTES
) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Walk through ``counts`` along its first dimension, in blocks of bounded size.

    Parameters
    ----------
    counts : xarray.DataArray, shape (rows, …, n)
    block_bytes : int
        Of one block as it is stored.

    Yields
    ------
    (slice, ndarray)
        Rows of the block, and its values as they are stored.
    """
    each = max(1, counts.dtype.itemsize * int(np.prod(counts.shape[1:])))
    step = max(1, block_bytes // each)
    for first in range(0, counts.shape[0], step):
        rows = slice(first, min(first + step, counts.shape[0]))
        yield rows, counts[rows].values
