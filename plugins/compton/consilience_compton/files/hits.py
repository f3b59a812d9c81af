"""From raw frames to spectra of each pixel: hits above a threshold, those with neighbours apart.

A photon whose charge spreads over two pixels gives two hits of less energy.  The detector's
software either throws such hits away or adds them up.  Here hits with a neighbour above threshold
in the same frame are counted apart, as ``shared_counts``, and nothing is added up: how much charge
is lost between pixels cannot be learned from the frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from consilience.errors import BadInputError
from consilience.model.measurement import Notice, Signal
from consilience.options import number_option
from consilience_compton.files.lazy import MODULE
from consilience_compton.spectra import spectra_dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.base import Origin

__all__ = ["HIT_OPTIONS", "Binning", "binning_of", "count_hits", "spectra_signal"]

HIT_OPTIONS = ("bin_width", "bin_end", "threshold", "neighbours")
MOST_BYTES = 1 << 29
Tables = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


@dataclass(frozen=True)
class Binning:
    """How hits become spectra; keV with tables of gain and intercept, adu without.

    Parameters
    ----------
    edges : ndarray, shape (n + 1,)
    threshold : float
        What is above it is a hit.
    neighbours : int
        Pixels around a hit that are looked at: 1 for the 3 x 3, 2 for the 5 x 5 around it.
    """

    edges: NDArray[np.float64]
    threshold: float
    neighbours: int


def binning_of(options: Mapping[str, object], *, calibrated: bool) -> Binning | None:
    """Return the binning that the options ask for, or None if they ask for no spectra.

    Raises
    ------
    BadInputError
        A number that makes no sense, or no threshold.
    """
    if not any(name in options for name in HIT_OPTIONS):
        return None
    unit, example, end = ("keV", "0.25", 200.0) if calibrated else ("adu", "10", 8000.0)
    width = number_option(options, "bin_width", example, 1e-3, 1e4)
    threshold = number_option(options, "threshold", "5" if calibrated else "100", 0.0, 1e5)
    last = number_option(options, "bin_end", f"{end:g}", 1e-3, 1e5) or end
    around = number_option(options, "neighbours", "1", 0, 5)
    if width is None or threshold is None:
        raise BadInputError(
            "spectra of hits need a width of bins and a threshold, and one is not given",
            fix=f"say --option bin_width={example} --option threshold=N, both in {unit}",
        )
    if last < 2 * width or (around is not None and around != int(around)):
        raise BadInputError(
            f"bins of {width:g} up to {last:g} {unit} with {around} neighbours make no spectrum",
            fix="give bin_end above two widths, and a whole number of neighbours",
        )
    n = int(last / width + 0.5)
    return Binning(width * np.arange(n + 1.0), threshold, 1 if around is None else int(around))


def count_hits(
    blocks: Iterable[NDArray[np.uint16]],
    pixels: tuple[int, int],
    binning: Binning,
    tables: Tables | None,
) -> tuple[NDArray[np.uint32], NDArray[np.uint32], dict[str, int]]:
    """Count hits in bins.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (frames, rows, columns)
        Raw frames, adu.
    pixels : (int, int)
        Rows and columns.
    binning : Binning
    tables : (gain, intercept) or None
        Images, keV/adu and keV; pixels of gain 0 are dead and have no hits.

    Returns
    -------
    (ndarray, ndarray, dict)
        Hits without a neighbour and hits with one, each of shape (rows, columns, n), and how
        many hits there were, shared, and beyond the last bin.
    """
    rows, columns = pixels
    n = binning.edges.size - 1
    single = np.zeros(rows * columns * n, dtype=np.uint32)
    shared = np.zeros_like(single)
    said = {"hits": 0, "shared_hits": 0, "beyond_last_bin": 0}
    width = float(binning.edges[1])
    for block in blocks:
        values = block.astype(np.float64)
        if tables is not None:
            values = np.where((block > 0) & (tables[0] > 0), tables[0] * values + tables[1], 0.0)
        hit = values > binning.threshold
        company = _has_neighbour(hit, binning.neighbours)
        frame, row, column = np.nonzero(hit)
        place = (values[frame, row, column] / width).astype(np.int64)
        inside = place < n
        flat = (row * columns + column) * n + place
        with_others = company[frame, row, column]
        for target, chosen in ((single, ~with_others), (shared, with_others)):
            np.add.at(target, flat[inside & chosen], 1)
        said["hits"] += int(hit.sum())
        said["shared_hits"] += int(with_others.sum())
        said["beyond_last_bin"] += int((~inside).sum())
    shape = (rows, columns, n)
    return single.reshape(shape), shared.reshape(shape), said


def _has_neighbour(hit: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Whether another pixel of the same module and frame was hit within `reach`."""
    frames, rows, columns = hit.shape
    whole = rows % MODULE == 0 and columns % MODULE == 0
    size = (MODULE, MODULE) if whole else (rows, columns)
    parts = hit.reshape(frames, rows // size[0], size[0], columns // size[1], size[1])
    padded = np.pad(parts, ((0, 0), (0, 0), (reach, reach), (0, 0), (reach, reach)))
    found = np.zeros_like(parts)
    for down in range(2 * reach + 1):
        for across in range(2 * reach + 1):
            if (down, across) != (reach, reach):
                found |= padded[:, :, down : down + size[0], :, across : across + size[1]]
    return found.reshape(hit.shape)


def spectra_signal(
    blocks: Iterable[NDArray[np.uint16]],
    pixels: tuple[int, int],
    binning: Binning,
    tables: Tables | None,
    origin: Origin,
    metadata: Mapping[str, Any],
) -> Signal:
    """Return the spectra of a file of frames as a signal of their own.

    Raises
    ------
    BadInputError
        More bins than can be held.
    """
    n = binning.edges.size - 1
    if pixels[0] * pixels[1] * n * 8 > MOST_BYTES:
        raise BadInputError(
            f"{pixels[0]} x {pixels[1]} pixels of {n} bins are more than can be held",
            fix="give a larger bin_width or a smaller bin_end",
        )
    single, shared, said = count_hits(blocks, pixels, binning, tables)
    good = None if tables is None else tables[0] > 0
    edges = None if tables is None else binning.edges
    data = spectra_dataset(single, edges, ("row", "column"), good=good)
    last = "channel" if edges is None else "energy"
    data["shared_counts"] = xr.Variable(("row", "column", last), shared, {"units": "count"})
    unit = "adu" if tables is None else "keV"
    notices = []
    if said["beyond_last_bin"]:
        notices.append(
            Notice(
                code="beyond-last-bin",
                message=f"{said['beyond_last_bin']} of {said['hits']} hits lie beyond "
                f"{binning.edges[-1]:g} {unit} and are in no bin",
                where="raw_frames",
                fix="give a larger bin_end",
                severity="info",
            )
        )
    if said["hits"] and said["shared_hits"] > 0.5 * said["hits"]:
        notices.append(
            Notice(
                code="crowded-frames",
                message=f"{said['shared_hits']} of {said['hits']} hits have a neighbour: pulses "
                "on many pixels at once, or a rate too high to tell sharing from chance",
                where="raw_frames",
                fix="look at the frames; spectra of single hits lack what was thrown away",
            )
        )
    return Signal(
        name="spectra",
        modality="compton",
        data=data,
        metadata={
            **metadata,
            **said,
            "bins": n,
            "bin_unit": unit,
            "bin_width": {"value": float(binning.edges[1]), "unit": unit},
            "threshold": {"value": binning.threshold, "unit": unit},
            "neighbours": binning.neighbours,
        },
        notices=notices,
        origin=origin,
    )
