"""A second witness: an image of the same area, such as one by SEM, and whether its voids agree.

The image is averaged onto the scan's points; where it lies is declared, or fitted as a rigid shift.
Voids are what is dark within the film in both, each against its own level.  Since voids are clumps,
agreement by chance is what the same voids give when they are moved about the film.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from consilience.errors import BadInputError
from consilience_xrf.change.footprint import Footprint
from consilience_xrf.change.numbers import VOID, on_footprint
from consilience_xrf.change.shift import Shift, fit_shift

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Witness", "brought", "void_agreement"]

MOVES = 400
"""Places to which the image's voids are moved to see what chance gives."""


@dataclass(frozen=True)
class Witness:
    """What an image says of the voids of a map.

    Attributes
    ----------
    agreement : float
        Correlation of the two masks of voids over the film (phi), -1 to 1.
    low, high : float
        Of the agreement when the image lies off by its standard deviation along either axis.
    p : float
        Share of moves of the image's voids that agree as well by chance.
    map_fraction, image_fraction : float
        Void fractions by either.
    shift : Shift
        Of the image against the map, in steps; 0 where its place is declared.
    inverted : bool
        The film is dark and its voids bright in the image.
    """

    agreement: float
    low: float
    high: float
    p: float
    map_fraction: float
    image_fraction: float
    shift: Shift
    inverted: bool


def brought(
    image: NDArray[np.float64],
    step: float,
    origin: tuple[float, float],
    axes: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return an image averaged onto a scan's points; NaN where it has none.

    Parameters
    ----------
    image : ndarray, shape (height, width)
    step : float
        Of its pixels, in the unit of the axes.
    origin : (float, float)
        y and x of its first pixel's middle.
    axes : pair of ndarray
        y and x of the scan's points.

    Raises
    ------
    BadInputError
        It covers less than half of the scan.
    """
    wide = [abs(float(a[-1] - a[0])) / max(len(a) - 1, 1) / step for a in axes]
    smooth = gaussian_filter(image, [max(w, 1.0) * 0.29 for w in wide])
    places = [(a - o) / step for a, o in zip(axes, origin, strict=True)]
    grid = np.meshgrid(*places, indexing="ij")
    found = map_coordinates(smooth, grid, order=1, cval=np.nan)
    if np.isfinite(found).mean() < 0.5:
        raise BadInputError(
            f"the image covers {100 * np.isfinite(found).mean():.0f} % of the scan",
            fix="check its step and origin (parameters 'witness_step' and 'witness_origin')",
        )
    return np.asarray(found)


def void_agreement(
    values: NDArray[np.float64],
    variance: NDArray[np.float64],
    lies: Shift,
    film: Footprint,
    image: NDArray[np.float64],
    *,
    fit: bool,
    seed: int = 0,
) -> Witness:
    """Return whether the voids of an image are those of a map.

    Parameters
    ----------
    values, variance : ndarray, shape (rows, columns)
        The map.
    lies : Shift
        Of the map against the film's outline.
    film : Footprint
    image : ndarray, shape (rows, columns)
        On the map's points, from `brought`.
    fit : bool
        Whether the image's place is fitted.

    Raises
    ------
    BadInputError
        It is to be fitted and has nothing in common with the map.
    """
    flat = np.where(np.isfinite(image), image, np.nanmedian(image))
    inverted = float(np.corrcoef(flat.ravel(), values.ravel())[0, 1]) < 0
    flat = -flat if inverted else flat
    shift = Shift.none()
    if fit:
        scaled = (flat - flat.min()) * (values.std() / max(float(flat.std()), 1e-300))
        noise = np.full(flat.shape, float(variance.mean()))
        shift = fit_shift(values, scaled, (variance, noise))
        if not shift.determined:
            raise BadInputError(
                f"the image cannot be laid on the map: {shift.reason}",
                fix="declare where it lies with the parameter 'witness_origin'",
            )
    mine = _dark(on_footprint(values, (lies.y, lies.x), film), film)

    def theirs(y: float, x: float) -> NDArray[np.bool_]:
        at = (lies.y + shift.y + y, lies.x + shift.x + x)
        return _dark(on_footprint(flat, at, film), film)

    other = theirs(0.0, 0.0)
    agreement = _phi(mine, other, film)
    std = shift.std if fit else (0.0, 0.0)
    ends = [
        _phi(mine, theirs(*off), film)
        for off in ((std[0], 0.0), (-std[0], 0.0), (0.0, std[1]), (0.0, -std[1]))
    ]
    return Witness(
        agreement,
        min(agreement, *ends),
        max(agreement, *ends),
        _chance(mine, other, film, agreement, seed),
        float(mine.sum() / film.inside.sum()),
        float(other.sum() / film.inside.sum()),
        shift,
        inverted,
    )


def _dark(fine: NDArray[np.float64], film: Footprint) -> NDArray[np.bool_]:
    """Voids: below half of the film's level over what lies around it, clear of the edges."""
    around = film.reach & ~film.inside
    base = float(np.quantile(fine[around], 0.1)) if around.any() else 0.0
    core = film.core if film.core.any() else film.inner
    level = float(np.median(fine[core]))
    return np.asarray(film.inner & (fine < base + VOID * (level - base)))


def _phi(a: NDArray[np.bool_], b: NDArray[np.bool_], film: Footprint) -> float:
    x, y = (m[film.inner].astype(np.float64) for m in (a, b))
    if x.std() == 0 or y.std() == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def _chance(
    mine: NDArray[np.bool_],
    other: NDArray[np.bool_],
    film: Footprint,
    agreement: float,
    seed: int,
) -> float:
    """Moves within the film's box, round its ends, that agree as well."""
    if agreement <= 0:
        return 1.0
    rows, columns = (np.flatnonzero(film.inner.any(axis=a)) for a in (1, 0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    a, b = mine[box].astype(np.float64), other[box].astype(np.float64)
    a, b = a - a.mean(), b - b.mean()
    # all moves at once: the circular cross-correlation
    both = np.fft.irfft2(np.conj(np.fft.rfft2(a)) * np.fft.rfft2(b), a.shape)
    phi = both / max(a.size * float(a.std() * b.std()), 1e-300)
    drawn = np.random.default_rng([seed, 3]).choice(phi.ravel(), MOVES)
    return float((1 + (drawn >= agreement * 0.999).sum()) / (1 + MOVES))
