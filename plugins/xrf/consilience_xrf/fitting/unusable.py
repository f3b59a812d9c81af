"""Why no spectrum of a scan can be fitted: what is not a number, below zero, or empty."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_xrf.fitting.maps import row_blocks

__all__ = ["no_spectrum"]


def no_spectrum(counts: NDArray[np.floating]) -> BadInputError:
    """Return the error for spectra of which none can be fitted.

    Parameters
    ----------
    counts : ndarray, shape (*scan, channels)
        Read in blocks of the first axis.
    """
    broken = below = empty = 0
    for rows in row_blocks(counts.shape):
        part = np.asarray(counts[rows], dtype=np.float64)
        bad = ~np.isfinite(part).all(axis=-1)
        low = ~bad & (np.where(np.isfinite(part), part, 0.0).min(axis=-1) < 0)
        broken += int(bad.sum())
        below += int(low.sum())
        empty += int((~bad & ~low).sum())
    number = broken + below + empty
    ways = (
        (broken, "with values that are not finite"),
        (below, "with counts below zero"),
        (empty, "without counts"),
    )
    said = ", ".join(f"{n} {words}" for n, words in ways if n)
    fix = "check the shutter and the file"
    if broken == max(broken, below, empty):
        fix = "export the spectra again with 0, not NaN, where a channel was not counted"
    elif below >= empty:
        fix = "register the raw spectra, from which no background was subtracted"
    return BadInputError(f"no spectrum can be fitted: of {number}, {said}", fix=fix)
