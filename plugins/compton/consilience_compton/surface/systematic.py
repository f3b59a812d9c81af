"""Systematic errors of roughness: what form, voxels, noise, short profiles and blur do to it."""

from __future__ import annotations

from collections.abc import Callable

from consilience_compton.surface.correlation import Correlation, share_of_mean_line
from consilience_compton.surface.form import Form
from consilience_compton.surface.heights import HeightMap
from consilience_compton.surface.roughness import Areal
from consilience_compton.surface.varied import coarsened, smoothed

__all__ = ["systematic_parts"]


def systematic_parts(
    values: tuple[float, ...],
    found: HeightMap,
    form: Form,
    about: Areal,
    correlation: Correlation,
    blur: float | None,
    again: Callable[[HeightMap], tuple[float, ...]],
) -> dict[str, tuple[float, ...] | None]:
    """Return name of a part to its standard deviation for each of `measure.QUANTITIES`.

    Parameters
    ----------
    values : tuple of float
    found : HeightMap
    form : Form
        That was taken off.
    about : Areal
    correlation : Correlation
    blur : float or None
        Standard deviation of the volume's blur, in the unit of the voxel.
    again : callable
        From another height map to the quantities.

    Returns
    -------
    dict
        None where a part is not known.
    """
    rows, columns = found.heights.shape
    area = rows * columns * found.step[0] * found.step[1]
    # a form of p terms takes the variance of p independent areas with it, a height half of that:
    # of a Gaussian autocorrelation the integral of the square is half of the integral
    gone = form.terms * correlation.area / area
    steps = found.voxel**2 / 12.0 / about.s_q**2 if not found.sub_voxel else 0.0
    rough = min(0.99, max(correlation.nugget, steps))
    parts: dict[str, tuple[float, ...] | None] = {
        "form": tuple(v * gone for v in values),
        "voxel and noise": tuple(v * (1.0 - (1.0 - rough) ** 0.5) for v in values),
        "mean line": _mean_line(values, correlation, (rows, columns)),
    }
    coarse = coarsened(found)
    if coarse is not None:
        # what a voxel smooths away grows as its square: of the loss from one to two, a third
        lost = again(coarse)
        parts["lateral voxel"] = tuple(abs(a - b) / 3.0 for a, b in zip(values, lost, strict=True))
    else:
        parts["lateral voxel"] = None
    parts["blur"] = None
    if blur is not None:
        # what a second blur of the same width takes away
        lost = again(smoothed(found, blur))
        parts["blur"] = tuple(abs(a - b) for a, b in zip(values, lost, strict=True))
    return parts


def _mean_line(
    values: tuple[float, ...], correlation: Correlation, shape: tuple[int, int]
) -> tuple[float, ...]:
    """What profiles lack for being short: each is about a mean line of its own."""
    along = (correlation.rows, correlation.columns)
    lost = [
        1.0 - (1.0 - share_of_mean_line(line, points)) ** 0.5
        for line, points in zip(along, shape, strict=True)
    ]
    # in the order of `QUANTITIES`; areal ones have no such line
    return tuple(v * part for v, part in zip(values, (0.0, 0.0, *lost, *lost), strict=True))
