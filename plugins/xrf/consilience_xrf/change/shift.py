"""By how much one map lies off another: a rigid shift and its error.

A first value comes from the cross-correlation [1]_; it is refined by least squares in which all
points weigh alike.  Weights by counting would come nearer to the bound of Cramér and Rao (equal
ones cost a factor of 3 to 4 for a film with sharp edges), but would trust the dim borders of a
film most, and a rim that grew brighter then pulls the shift by tenths of a step.  The error that
counting leaves is propagated through the smoothing; leaving out parts of the map in turn gives
that from what truly changed.

References
----------
.. [1] M. Guizar-Sicairos et al., Opt. Lett. 33 (2008) 156.
.. [2] B. Efron, C. Stein, Ann. Stat. 9 (1981) 586: the jackknife's variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience_xrf.change.operators import FEWEST, sampling, smoothing, varied

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SMOOTH", "Shift", "fit_shift", "least_covariance", "refuse_other_shape"]

SMOOTH = 0.8
"""Gaussian smoothing before maps are compared, in steps: what lies near the sampling's limit
cannot be interpolated and is taken out of both."""
BLOCKS = 4
"""Parts along each direction that are left out in turn."""
ENOUGH = 200.0
"""Counts, or (signal/noise)^2, that the smoothing gathers at the bright part of a map."""
FEATURE = 4.0
"""Variance of a smooth map over that of its noise, below which noise could align with noise."""
INTERPOLATION = 0.004
"""Error of a shift from interpolating what is sharper than the step, in steps: the standard
deviation over 60 shifts of a noiseless film with edges of 0.4 steps."""
STEPS = 12
CLOSE = 1e-4
"""Change of the shift, in steps, at which it stands."""


@dataclass(frozen=True)
class Shift:
    """Where a map lies, in steps: what is at p in the reference is at p + (y, x) in it.

    Attributes
    ----------
    y, x : float
    covariance : ndarray, shape (2, 2)
        From counting.
    systematic : ndarray, shape (2, 2)
        What the shift varies beyond counting when parts of the map are left out.
    ratio : float
        Of the map's intensity to the reference's, fitted with the shift.
    determined : bool
        False where the maps have no feature that fixes the shift to a step; it is 0 then.
    reason : str
    """

    y: float
    x: float
    covariance: NDArray[np.float64]
    systematic: NDArray[np.float64]
    ratio: float
    determined: bool = True
    reason: str = ""

    @property
    def whole(self) -> NDArray[np.float64]:
        """Covariance of both errors."""
        return np.asarray(self.covariance + self.systematic)

    @property
    def std(self) -> tuple[float, float]:
        """Standard deviations of y and x, both errors."""
        both = np.sqrt(np.diag(self.whole))
        return float(both[0]), float(both[1])

    @classmethod
    def none(cls, reason: str = "") -> Shift:
        """No shift: the reference itself, or, with a `reason`, one that is not known."""
        return cls(0.0, 0.0, np.zeros((2, 2)), np.zeros((2, 2)), 1.0, not reason, reason)


def refuse_other_shape(
    reference: tuple[int, ...], other: tuple[int, ...], names: tuple[str, str]
) -> None:
    """Raise where maps of different shape are compared.

    Raises
    ------
    BadInputError
    """
    if reference != other:
        a, b = (" x ".join(map(str, shape)) for shape in (reference, other))
        raise BadInputError(
            f"maps of different shape are compared: {names[0]} has {a} points, {names[1]} {b}",
            fix="compare scans of one area with the same rows and columns, or name those "
            "measurements with the parameter 'states'",
        )


def fit_shift(
    reference: NDArray[np.float64],
    moved: NDArray[np.float64],
    variances: tuple[NDArray[np.float64], NDArray[np.float64]],
    most: float | None = None,
) -> Shift:
    """Return by how much `moved` lies off `reference`.

    Parameters
    ----------
    reference, moved : ndarray, shape (rows, columns)
        Finite.
    variances : pair of ndarray
        Of the points of both.
    most : float, optional
        Shifts beyond so many steps are taken for wrong; by default a third of the smaller side.

    Returns
    -------
    Shift
        Not determined where a side has fewer than 4 points, or nothing stands out of the noise.

    Raises
    ------
    BadInputError
        The shapes differ.
    """
    from skimage.registration import phase_cross_correlation

    refuse_other_shape(reference.shape, moved.shape, ("one", "the other"))
    rows, columns = reference.shape
    if min(rows, columns) < FEWEST:
        return Shift.none("a direction has fewer than 4 points")
    most = min(rows, columns) / 3 if most is None else most
    sigma = min(_breadth(reference, variances[0]), min(rows, columns) / 6)
    blur = smoothing(rows, sigma), smoothing(columns, sigma)
    smooth = [blur[0] @ image @ blur[1].T for image in (reference, moved)]
    for image, variance in zip(smooth, variances, strict=True):
        if image.var() < FEATURE * (varied(blur[0], variance, blur[1])).mean():
            return Shift.none("the maps have no feature beyond noise that fixes a shift")
    window = np.outer(np.hanning(rows + 2)[1:-1], np.hanning(columns + 2)[1:-1]) ** 0.25
    first = phase_cross_correlation(  # type: ignore[no-untyped-call]
        *((image - image.mean()) * window for image in smooth), upsample_factor=10,
        normalization=None,
    )[0]  # fmt: skip
    start = -np.asarray(first, dtype=np.float64)
    if np.abs(start).max() > most:
        start = np.zeros(2)
    return _refined(smooth, blur, variances, start, most)


def least_covariance(
    reference: NDArray[np.float64], variance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the bound of Cramér and Rao on the covariance of a shift (y, x), shape (2, 2).

    Parameters
    ----------
    reference, variance : ndarray, shape (rows, columns)
        A map without noise, and the variance of a point's difference between the two maps.

    Notes
    -----
    For normal errors and a ratio of intensities that is fitted too.
    """
    down, side = np.gradient(reference)
    parts = np.stack([down.ravel(), side.ravel(), -reference.ravel()], axis=1)
    normal = parts.T @ (parts / variance.ravel()[:, None])
    return np.asarray(np.linalg.inv(normal)[:2, :2])


def _refined(
    smooth: list[NDArray[np.float64]],
    blur: tuple[NDArray[np.float64], NDArray[np.float64]],
    variances: tuple[NDArray[np.float64], NDArray[np.float64]],
    start: NDArray[np.float64],
    most: float,
) -> Shift:
    """Gauss and Newton: moved at p + s is ratio times reference at p."""
    rows, columns = smooth[0].shape
    grid = np.arange(rows, dtype=np.float64), np.arange(columns, dtype=np.float64)
    at = np.array([start[0], start[1], 1.0])
    inside = np.zeros(smooth[0].shape, dtype=bool)
    jacobian = np.zeros((smooth[0].size, 3))
    residual = np.zeros(smooth[0].size)
    for _ in range(STEPS):
        inside = _overlap(grid, at[:2])
        y, x = sampling(rows, grid[0] + at[0]), sampling(columns, grid[1] + at[1])
        h = 0.05
        value = y @ smooth[1] @ x.T
        down = (sampling(rows, grid[0] + at[0] + h) - sampling(rows, grid[0] + at[0] - h)) / (2 * h)
        side = sampling(columns, grid[1] + at[1] + h) - sampling(columns, grid[1] + at[1] - h)
        parts = (down @ smooth[1] @ x.T, y @ smooth[1] @ (side / (2 * h)).T, -smooth[0])
        jacobian = np.stack([part[inside] for part in parts], axis=1)
        residual = (value - at[2] * smooth[0])[inside]
        normal = jacobian.T @ jacobian
        if not np.isfinite(normal).all() or np.linalg.cond(normal / _scale(normal)) > 1e10:
            return Shift.none("the maps have no feature that fixes a shift")
        step = np.linalg.solve(normal, jacobian.T @ residual)
        at = at - step
        if np.abs(at[:2]).max() > most:
            return Shift.none(f"the fitted shift exceeds {most:.3g} steps")
        if np.abs(step[:2]).max() < CLOSE:
            break
    covariance = _counting(jacobian, normal, inside, blur, variances, at[2])
    if float(np.sqrt(np.diag(covariance)[:2]).max()) > 1.0:
        return Shift.none("the maps have no feature that fixes the shift to a step")
    left_out = _jackknife(jacobian, residual, inside)
    return Shift(
        float(at[0]),
        float(at[1]),
        covariance[:2, :2],
        _beyond(left_out[:2, :2], covariance[:2, :2]) + np.eye(2) * INTERPOLATION**2,
        float(at[2]),
    )


def _breadth(image: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
    """Smoothing, in steps, after which noise is small against the map's bright part.

    Otherwise the noise of the slopes, which the linear propagation of errors leaves out, counts.
    """
    bright = image >= np.quantile(image, 0.75)
    worth = float(image[bright].mean() ** 2 / max(variance[bright].mean(), 1e-300))
    return max(SMOOTH, float(np.sqrt(ENOUGH / (4 * np.pi * max(worth, 1e-6)))))


def _scale(normal: NDArray[np.float64]) -> NDArray[np.float64]:
    size = np.sqrt(np.clip(np.diag(normal), 1e-300, None))
    return np.outer(size, size)


def _overlap(
    grid: tuple[NDArray[np.float64], NDArray[np.float64]], shift: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Points of the reference that the other map has too."""
    both = [(g + s >= 0) & (g + s <= len(g) - 1) for g, s in zip(grid, shift, strict=True)]
    return np.asarray(np.logical_and.outer(both[0], both[1]))


def _counting(
    jacobian: NDArray[np.float64],
    normal: NDArray[np.float64],
    inside: NDArray[np.bool_],
    blur: tuple[NDArray[np.float64], NDArray[np.float64]],
    variances: tuple[NDArray[np.float64], NDArray[np.float64]],
    ratio: float,
) -> NDArray[np.float64]:
    """Covariance from counting, through the smoothing, which correlates neighbours."""
    gains = np.linalg.solve(normal, jacobian.T)
    whole = np.zeros((len(gains), *inside.shape))
    whole[:, inside] = gains
    back = np.einsum("ij,kil,lm->kjm", blur[0], whole, blur[1], optimize=True)
    noise = variances[1] + ratio**2 * variances[0]
    return np.asarray(np.einsum("kij,lij,ij->kl", back, back, noise, optimize=True))


def _jackknife(
    jacobian: NDArray[np.float64],
    residual: NDArray[np.float64],
    inside: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Covariance of the solution when each of some blocks of the map is left out ([2]_)."""
    rows, columns = inside.shape
    block = np.add.outer(
        np.arange(rows) * BLOCKS // rows * BLOCKS, np.arange(columns) * BLOCKS // columns
    )[inside]
    number = BLOCKS**2
    normal = np.zeros((number, 3, 3))
    pull = np.zeros((number, 3))
    for one in range(number):
        here = block == one
        normal[one] = jacobian[here].T @ jacobian[here]
        pull[one] = jacobian[here].T @ residual[here]
    rest = normal.sum(axis=0) - normal
    rest += np.eye(3) * 1e-12 * np.trace(rest, axis1=1, axis2=2)[:, None, None]
    found = -np.linalg.solve(rest, (pull.sum(axis=0) - pull)[..., None])[..., 0]
    away = found - found.mean(axis=0)
    return np.asarray((number - 1) / number * away.T @ away)


def _beyond(whole: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """What of a covariance lies beyond a known one, nowhere negative."""
    values, vectors = np.linalg.eigh(whole - known)
    return np.asarray((vectors * np.clip(values, 0.0, None)) @ vectors.T)
