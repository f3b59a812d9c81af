"""From a volume to the roughness of an interface, with every error that can be told.

One function does all of it, so that what is changed for a systematic error (threshold, voxel,
form) goes through the same steps as the value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion

from consilience_compton.surface.blocks import (
    BlockCovariance,
    block_covariance,
    block_side,
    deviation_field,
    ratio_influence,
)
from consilience_compton.surface.correlation import Correlation, autocorrelation
from consilience_compton.surface.form import FORMS, Form, remove_form
from consilience_compton.surface.heights import (
    HeightMap,
    Side,
    edge_width,
    from_grey,
    from_labels,
    otsu,
)
from consilience_compton.surface.parts import Connectivity, Facing, Parts, facing, parts_of
from consilience_compton.surface.roughness import (
    Areal,
    Profiles,
    areal,
    gaussian_roughness,
    profiles,
)
from consilience_compton.surface.systematic import systematic_parts

__all__ = ["CONTRAST", "QUANTITIES", "NoSurfaceError", "Settings", "Surface", "measure_surface"]

QUANTITIES = ("S_a", "S_q", "R_a_0", "R_a_1", "R_q_0", "R_q_1")
"""0: profiles along the rows' axis of the map, 1: along the columns'."""
CONTRAST = 0.1
"""Share of the contrast that a threshold may be off by, as a standard deviation."""
LEAST_SHARE = 0.5
"""Share of columns that must have an interface."""
FWHM = 2.0 * (2.0 * np.log(2.0)) ** 0.5


class NoSurfaceError(ValueError):
    """There is no interface to speak of; the text is the reason."""


@dataclass(frozen=True)
class Settings:
    """How an interface is told from a volume; lengths in the unit of the voxel.

    Parameters
    ----------
    axis : int or None
        Across the interface; None: along which the ends of the volume differ most.
    side : {"high", "low"} or None
    form : {"mean", "plane", "second"}
    threshold : float or None
        Of grey values; None: by Otsu.
    bright : bool
        The solid is the brighter.
    cutoff, shortest : float or None
        Lengths of the L- and S-filters (λ_c, λ_s).
    connectivity : {6, 26}
    least : int
        Voxels of a piece that is no noise.
    resolution : float or None
        Full width at half maximum of the blur of the volume.
    mask_overhangs : bool
        Leave out columns with an overhang; else their outermost height counts.
    """

    axis: int | None = None
    side: Side | None = None
    form: str = "second"
    threshold: float | None = None
    bright: bool = True
    cutoff: float | None = None
    shortest: float | None = None
    connectivity: Connectivity = 6
    least: int = 8
    resolution: float | None = None
    mask_overhangs: bool = False


@dataclass(frozen=True)
class Surface:
    """An interface: its heights, what was taken off, and its roughness.

    Parameters
    ----------
    facing : Facing
    parts : Parts
    heights : HeightMap
    form : Form
    residual : ndarray of shape (rows, columns)
        Heights above the form, filtered where cut-offs are given.
    areal : Areal
    profiles : tuple of Profiles
        Along rows' axis and along columns' axis of the map.
    correlation : Correlation
    spread : BlockCovariance
        Of `QUANTITIES`, statistical.
    systematic : dict
        Name of a part to its standard deviation for each of `QUANTITIES`; None: not known.
    forms : dict
        S_a after each form was taken off.
    threshold : float or None
        Grey value used.
    contrast : float or None
        Difference of the mean grey values of the two sides.
    blur : float or None
        Standard deviation of the blur, as given or from the steepness of grey values.
    """

    facing: Facing
    parts: Parts
    heights: HeightMap
    form: Form
    residual: NDArray[np.float64]
    areal: Areal
    profiles: tuple[Profiles, Profiles]
    correlation: Correlation
    spread: BlockCovariance
    systematic: dict[str, tuple[float, ...] | None]
    forms: dict[str, float]
    threshold: float | None
    contrast: float | None
    blur: float | None

    @property
    def values(self) -> tuple[float, ...]:
        """Values of `QUANTITIES`."""
        return _values(self.areal, self.profiles)


def measure_surface(
    volume: NDArray[Any],
    labels: bool,
    solid_labels: tuple[int, ...] | None,
    voxel: tuple[float, float, float],
    unit: str,
    settings: Settings,
) -> Surface:
    """Return the roughness of the interface of a volume.

    Parameters
    ----------
    volume : ndarray of shape (z, y, x)
        Labels or grey values; NaN counts as not solid.
    labels : bool
        The volume is segmented.
    solid_labels : tuple of int or None
        Labels under the interface; None: all but 0.
    voxel : tuple of float
    unit : str
    settings : Settings

    Raises
    ------
    NoSurfaceError
        No interface crosses the volume, too few columns have one, or it is as flat as a face of
        voxels.
    """
    threshold = contrast = None
    if labels:
        solid = volume > 0 if solid_labels is None else np.isin(volume, solid_labels)
    else:
        threshold, contrast = _threshold(volume, settings)
        with np.errstate(invalid="ignore"):
            solid = volume > threshold if settings.bright else volume < threshold
    where = _facing(solid, settings)
    parts = parts_of(solid, where.axis, where.side, settings.connectivity, settings.least)

    def heights_of(body: NDArray[np.bool_], level: float | None) -> HeightMap:
        if level is None:
            return from_labels(body, where.axis, where.side, voxel, unit)
        return from_grey(
            volume,
            where.axis,
            where.side,
            voxel,
            unit,
            level,
            bright=settings.bright,
            solid=body,
        )

    found = heights_of(parts.attached, threshold)
    known = float(np.isfinite(_used(found, settings)).mean())
    if known < LEAST_SHARE:
        raise NoSurfaceError(
            f"{known:.0%} of the columns have an interface; {int(found.buried.sum())} are solid "
            f"up to the end of the volume, {int(found.holes.sum())} have no solid"
        )
    form, residual = _levelled(found, settings)
    try:
        correlation = autocorrelation(residual, found.step)
    except ValueError as error:
        raise NoSurfaceError(f"{error}: the interface is flat within a voxel") from error
    about = areal(residual)
    lines = (profiles(residual, 0), profiles(residual, 1))
    values = _values(about, lines)
    length = correlation.longest if correlation.longest is not None else correlation.s_al
    spread = _spread(residual, values, found.step, length)

    def again(other: HeightMap) -> tuple[float, ...]:
        flat = _levelled(other, settings)[1]
        return _values(areal(flat), (profiles(flat, 0), profiles(flat, 1)))

    blur = settings.resolution / FWHM if settings.resolution is not None else None
    if blur is None and contrast is not None:
        blur = edge_width(volume, where.axis, where.side, found.heights, found.voxel, contrast)
    parts_of_error = systematic_parts(values, found, form, about, correlation, blur, again)
    if threshold is None:
        parts_of_error["segmentation"] = _segmentation(parts.attached, heights_of, again)
    else:
        parts_of_error["threshold"] = _moved(
            volume, threshold, contrast or 0.0, where, settings, heights_of, again
        )
    return Surface(
        where,
        parts,
        found,
        form,
        residual,
        about,
        lines,
        correlation,
        spread,
        parts_of_error,
        {
            name: areal(remove_form(_used(found, settings), found.step, degree).residual).s_a
            for name, degree in FORMS.items()
        },
        threshold,
        contrast,
        blur,
    )


def _threshold(volume: NDArray[Any], settings: Settings) -> tuple[float, float]:
    stride = max(1, round((volume.size / 2e6) ** (1.0 / 3.0)))
    some = volume[::stride, ::stride, ::stride]
    some = some[np.isfinite(some)]
    level = otsu(some) if settings.threshold is None else settings.threshold
    below, above = some[some <= level], some[some > level]
    if not below.size or not above.size:
        raise NoSurfaceError(f"all grey values lie on one side of the threshold {level:g}")
    return level, float(above.mean() - below.mean())


def _facing(solid: NDArray[np.bool_], settings: Settings) -> Facing:
    where = facing(solid, settings.axis, settings.side)
    low, high = where.ends
    if not where.crosses and (settings.axis is None or settings.side is None):
        raise NoSurfaceError(
            "no interface crosses the volume from one end to the other: along "
            f"{'zyx'[where.axis]}, where they differ most, the ends are {low:.0%} and {high:.0%} "
            "solid; where it is one all the same, say axis and side"
        )
    return where


def _used(found: HeightMap, settings: Settings) -> NDArray[np.float64]:
    if not settings.mask_overhangs:
        return found.heights
    return np.where(found.overhangs, np.nan, found.heights)


def _levelled(found: HeightMap, settings: Settings) -> tuple[Form, NDArray[np.float64]]:
    form = remove_form(_used(found, settings), found.step, FORMS[settings.form])
    residual = form.residual
    if settings.cutoff is not None or settings.shortest is not None:
        residual = gaussian_roughness(residual, found.step, settings.cutoff, settings.shortest)
    return form, residual


def _values(about: Areal, lines: tuple[Profiles, Profiles]) -> tuple[float, ...]:
    rows, columns = lines
    return about.s_a, about.s_q, rows.r_a, columns.r_a, rows.r_q, columns.r_q


def _spread(
    residual: NDArray[np.float64],
    values: tuple[float, ...],
    step: tuple[float, float],
    length: float | None,
) -> BlockCovariance:
    there = np.isfinite(residual)
    weight = there.astype(np.float64)
    filled = np.where(there, residual - np.nanmean(residual), 0.0)
    fields = [deviation_field(filled, weight), filled**2]
    for axis in (0, 1):
        count = np.maximum(weight.sum(axis=axis, keepdims=True), 1.0)
        line = np.where(there, filled - filled.sum(axis=axis, keepdims=True) / count, 0.0)
        fields += [deviation_field(line, weight, axis), line**2]
    order = (0, 1, 2, 4, 3, 5)
    influences = []
    for value, i in zip(values, order, strict=True):
        own = ratio_influence(fields[i], weight)[1]
        # of a root: half of the square's relative error
        squared = i in (1, 3, 5)
        influences.append(own / (2.0 * value) if squared and value > 0 else own)
    return block_covariance(influences, block_side(residual.shape, step, length))


def _segmentation(
    body: NDArray[np.bool_],
    heights_of: Callable[[NDArray[np.bool_], float | None], HeightMap],
    again: Callable[[HeightMap], tuple[float, ...]],
) -> tuple[float, ...] | None:
    """Boundary anywhere within half a voxel: from one voxel more and one less all around."""
    try:
        more = again(heights_of(binary_dilation(body), None))
        less = again(heights_of(binary_erosion(body, border_value=1), None))
    except ValueError:
        return None
    return tuple(abs(a - b) / (4.0 * 3.0**0.5) for a, b in zip(more, less, strict=True))


def _moved(
    volume: NDArray[Any],
    threshold: float,
    contrast: float,
    where: Facing,
    settings: Settings,
    heights_of: Callable[[NDArray[np.bool_], float | None], HeightMap],
    again: Callable[[HeightMap], tuple[float, ...]],
) -> tuple[float, ...] | None:
    found = []
    for sign in (1.0, -1.0):
        level = threshold + sign * CONTRAST * contrast
        with np.errstate(invalid="ignore"):
            solid = volume > level if settings.bright else volume < level
        try:
            body = parts_of(
                solid, where.axis, where.side, settings.connectivity, settings.least
            ).attached
            found.append(again(heights_of(body, level)))
        except ValueError:
            return None
    return tuple(0.5 * abs(a - b) for a, b in zip(*found, strict=True))
