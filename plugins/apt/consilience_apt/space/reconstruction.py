"""What the reconstruction's parameters do to lengths, and whether its density makes sense.

In the protocol of Bas et al. [1]_ the radius is ``R = V / (k_f F)``; positions across the needle
scale with ``R ξ``, and each ion adds ``dz = Ω L² k_f² F² / (η S ξ² V²)`` of depth.  So relative
errors of the field factor k_f, the image compression ξ, the detection efficiency η and the
evaporation field F go into depths as 2, −2, −1 and 2, into widths as −1, 1, 0 and −1, and into
volumes as −1 of η alone: **the density of such a reconstruction says nothing about k_f and ξ**;
spacings of planes do.

References
----------
.. [1] P. Bas, A. Bostel, B. Deconihout, D. Blavette, Appl. Surf. Sci. 87/88 (1995) 298.
.. [2] B. Gault et al., Atom Probe Microscopy, Springer 2012, chapter 7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience_apt.space.grid import Grid
from consilience_apt.space.volumes import filled_voxels

if TYPE_CHECKING:
    from consilience_apt.space.planes import PlaneSpacing

__all__ = [
    "DensityCheck",
    "ReconstructionErrors",
    "ScaleCheck",
    "ScaleErrors",
    "check_density",
    "check_spacing",
    "filled_volume",
    "scale_errors",
]

POWERS: dict[str, tuple[int, int]] = {
    "field_factor": (2, -1),
    "image_compression": (-2, 1),
    "efficiency": (-1, 0),
    "evaporation_field": (2, -1),
}
"""Powers with which each parameter enters depths and widths."""


@dataclass(frozen=True)
class ReconstructionErrors:
    """Relative standard deviations of the parameters; None is unknown, 0 is not allowed.

    Parameters
    ----------
    field_factor, image_compression, efficiency, evaporation_field : float or None
        Taken as independent.  The voltage, the flight length and the detector's area are known
        much better and are left out.
    """

    field_factor: float | None = None
    image_compression: float | None = None
    efficiency: float | None = None
    evaporation_field: float | None = None

    def __post_init__(self) -> None:
        for name in POWERS:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and 0 < value < 1):
                raise BadInputError(
                    f"a relative error of {value:g} for the {name.replace('_', ' ')}",
                    fix="give a relative standard deviation above 0 and below 1; leave it out "
                    "where it is unknown",
                )


@dataclass(frozen=True)
class ScaleErrors:
    """Relative systematic errors of lengths.

    Attributes
    ----------
    depth, lateral, volume : float or None
        Relative standard deviations; None where a parameter that enters is unknown.
    depth_lateral : float or None
        Correlation of the scales of depth and width.
    depth_at_least, lateral_at_least : float
        The same from the parameters that are known alone.
    unknown : tuple of str
        Parameters without an error.
    """

    depth: float | None
    lateral: float | None
    volume: float | None
    depth_lateral: float | None
    depth_at_least: float
    lateral_at_least: float
    unknown: tuple[str, ...]


def scale_errors(errors: ReconstructionErrors) -> ScaleErrors:
    """Return how far relative errors of the parameters move lengths and volumes.

    Parameters
    ----------
    errors : ReconstructionErrors

    Returns
    -------
    ScaleErrors
        To first order, which is good for errors of up to about 20 %.
    """
    unknown = tuple(name for name in POWERS if getattr(errors, name) is None)
    known = {name: float(getattr(errors, name)) for name in POWERS if name not in unknown}
    pairs = np.array([np.array(POWERS[name]) * value for name, value in known.items()])
    covariance = pairs.T @ pairs if known else np.zeros((2, 2))
    depth, lateral = (float(v) for v in np.sqrt(np.diag(covariance)))
    all_depth = not unknown
    all_lateral = not set(unknown) - {"efficiency"}
    return ScaleErrors(
        depth=depth if all_depth else None,
        lateral=lateral if all_lateral else None,
        volume=errors.efficiency,
        depth_lateral=float(covariance[0, 1] / (depth * lateral)) if all_depth else None,
        depth_at_least=depth,
        lateral_at_least=lateral,
        unknown=unknown,
    )


@dataclass(frozen=True)
class DensityCheck:
    """Detected density against the expected one.

    Attributes
    ----------
    density : float
        Detected atoms in 1/nm³.
    std_stat : float
        Counting.
    std_sys : float or None
        Of the volume; None if it is unknown.
    expected : float or None
        Detection efficiency times density of the solid; None where either is unknown.
    expected_std : float or None
    ratio : float or None
        Detected over expected, and its standard deviation (all errors together).
    ratio_std : float or None
    implied_efficiency : float or None
        The efficiency that would make the two equal.
    plausible : bool or None
        Whether the ratio is within three standard deviations of 1; None if that is unknown.
    note : str
    """

    density: float
    std_stat: float
    std_sys: float | None
    expected: float | None
    expected_std: float | None
    ratio: float | None
    ratio_std: float | None
    implied_efficiency: float | None
    plausible: bool | None
    note: str


def check_density(
    atoms: float,
    volume: float,
    volume_std: float | None = None,
    solid_density: float | None = None,
    solid_density_relative_std: float | None = None,
    efficiency: float | None = None,
    efficiency_relative_std: float | None = None,
    dispersion: float = 1.0,
) -> DensityCheck:
    """Hold the density of a region against what the solid and the detector lead to expect.

    Parameters
    ----------
    atoms : float
        Detected atoms, molecular ions taken apart.
    volume : float
        nm³, of a region that lies wholly inside of the needle.
    volume_std : float, optional
        nm³; 0 for a region that was cut with exact sides.
    solid_density : float, optional
        Atoms in 1/nm³ of the phase that is supposed to be there, with its relative error.
    efficiency : float, optional
        Detection efficiency, 0 to 1, with its relative error.
    dispersion : float
        Of atoms that arrive in molecular ions.

    Raises
    ------
    BadInputError
        No atom, or numbers that cannot be.
    """
    if not (atoms > 0 and math.isfinite(volume) and volume > 0):
        raise BadInputError(
            f"{atoms:g} atoms in {volume:g} nm³ have no density", fix="choose a region with ions"
        )
    if efficiency is not None and not 0 < efficiency <= 1:
        raise BadInputError(
            f"a detection efficiency of {efficiency:g}",
            fix="give a share, as 0.52, or leave it out",
        )
    density = atoms / volume
    stat = math.sqrt(atoms * dispersion) / volume
    sys = None if volume_std is None else density * volume_std / volume
    expected = expected_std = ratio = ratio_std = implied = None
    plausible = None
    if solid_density is not None:
        implied = density / solid_density
    if solid_density is not None and efficiency is not None:
        expected = solid_density * efficiency
        ratio = density / expected
        if solid_density_relative_std is not None and efficiency_relative_std is not None:
            relative = math.hypot(solid_density_relative_std, efficiency_relative_std)
            expected_std = expected * relative
            if sys is not None:
                ratio_std = ratio * math.hypot(stat / density, sys / density, relative)
                plausible = abs(ratio - 1) <= 3 * ratio_std
    note = (
        "a reconstruction spends a set volume on each ion: the mean density follows from the "
        "volume and the efficiency that were put in, and tests neither field factor nor image "
        "compression"
    )
    if implied is not None and implied > 1:
        note += "; more atoms than the solid holds: the reconstruction is too small"
        plausible = False
    return DensityCheck(
        density, stat, sys, expected, expected_std, ratio, ratio_std, implied, plausible, note
    )


def filled_volume(grid: Grid) -> tuple[float, float]:
    """Return the volume of the needle, and a standard deviation.

    Voxels count that are filled at least by half, judged by their ions against the median of
    the voxels with any; holes inside count too.  A third and two thirds in place of a half give
    limits between which the volume is taken as uniformly distributed.

    Parameters
    ----------
    grid : Grid
        Of three dimensions, in voxels of some ten ions and more.

    Returns
    -------
    tuple of float
        nm³.

    Raises
    ------
    BadInputError
        Voxels so small that filled and empty ones cannot be told apart.
    """
    ions = grid.counts.sum(axis=-1)
    median = float(np.median(ions[ions > 0]))
    if median < 6:
        raise BadInputError(
            f"voxels hold {median:g} ions (median): which are inside of the needle cannot be seen",
            fix="count the grid in larger voxels",
        )
    small, middle, large = (
        float(filled_voxels(ions, share) * np.prod(grid.voxel)) for share in (2 / 3, 1 / 2, 1 / 3)
    )
    return middle, (large - small) / math.sqrt(12)


@dataclass(frozen=True)
class ScaleCheck:
    """A length that is known, against the same in the reconstruction.

    Attributes
    ----------
    factor : float
        True over reconstructed length: what depths should be multiplied by.
    std : float
        Of the factor.
    deviation : float or None
        (factor − 1) over all known errors together; None if the scale's error is unknown.
    field_factor_factor : float
        What k_f would have to be multiplied by if it alone were wrong: depths go as its square.
    """

    factor: float
    std: float
    deviation: float | None
    field_factor_factor: float


def check_spacing(
    found: PlaneSpacing, known: float, known_std: float, scale: ScaleErrors | None = None
) -> ScaleCheck:
    """Hold a spacing of planes along the depth against a known one.

    Parameters
    ----------
    found : PlaneSpacing
    known, known_std : float
        nm.
    scale : ScaleErrors, optional
        What the reconstruction's parameters are thought to be good for.
    """
    if found.spacing is None or found.std_stat is None or found.std_sys is None:
        raise BadInputError(
            "no planes were found, so their spacing says nothing about the scale",
            fix="choose a region near a pole",
        )
    factor = known / found.spacing
    std = factor * math.hypot(
        known_std / known, found.std_stat / found.spacing, found.std_sys / found.spacing
    )
    depth = None if scale is None else scale.depth
    return ScaleCheck(
        factor,
        std,
        None if depth is None else (factor - 1) / math.hypot(std, depth),
        math.sqrt(factor),
    )
