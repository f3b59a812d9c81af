"""Mass per area from counts: by a standard, or by fundamental parameters.

A layer of mass per area m in which the element's fraction is w gives, for unit exposure,

    N = S m (1 - exp(-χ m/w)) / (χ m/w),

with the thin sensitivity S (counts per µg/cm²) and χ of beam and line in the layer's own matter
([1]_, eq. 3, primary fluorescence).  It saturates at S w/χ: beyond, only a least mass is known.
Secondary fluorescence, by lines of other elements, is not in it.

References
----------
.. [1] J. Sherman, Spectrochimica Acta 7 (1955) 283.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_xrf.amounts.attenuation import (
    Angles,
    Layer,
    Material,
    self_absorption,
    slant_attenuation,
    transmission,
)
from consilience_xrf.amounts.emission import Emission, emission

__all__ = [
    "Bench",
    "MassPerArea",
    "Sensitivity",
    "fundamental_sensitivity",
    "mass_per_area",
    "mean_with_errors",
    "saturation",
    "standard_sensitivity",
    "transferred",
]

Array = NDArray[np.float64]
MICRO = 1e-6
"""Grams in a microgram."""
NEWTON = 30
"""Steps that solve for the mass behind counts of several lines; they converge from below."""
THICK = 0.95
"""Share of the saturated counts from which on only a least mass is given."""


@dataclass(frozen=True)
class Bench:
    """Beam, angles, and what lies before the sample and the detector.

    Attributes
    ----------
    beam : float
        keV.
    geometry : Angles
    over : tuple of Layer
        Over the sample; beam and lines pass them (electrolyte, window of the cell).
    before : tuple of Layer
        Before the detector; the lines pass them at right angles (air, window, dead layer).
    detector : Layer
        What the detector counts with.
    """

    beam: float
    geometry: Angles = field(default_factory=Angles)
    over: tuple[Layer, ...] = ()
    before: tuple[Layer, ...] = ()
    detector: Layer = field(default_factory=lambda: Layer(Material.of("Si"), 450.0, 0.0))

    def counted(self, own: Emission) -> tuple[float, float | None]:
        """Return the share of a group of lines that is counted if nothing is over the sample.

        Returns
        -------
        share, relative_std : float
            The latter for the thickness of layers before the detector; None where one's is unknown.
        """
        share = sum(self.shares(own))
        passed = transmission(self.before, None, own.energy, Angles())
        return share, None if passed.std is None else passed.std / passed.value

    def let_through(self, own: Emission) -> tuple[float, float | None]:
        """Return the share that layers over the sample let through, of what would be counted."""
        weights = self.shares(own)
        passed = [transmission(self.over, self.beam, e, self.geometry).value for e, _ in own.lines]
        share = sum(w * p for w, p in zip(weights, passed, strict=True)) / sum(weights)
        middle = transmission(self.over, self.beam, own.energy, self.geometry)
        return share, None if middle.std is None else middle.std / middle.value

    def chis(self, own: Emission, matter: Material) -> tuple[Array, Array]:
        """Return χ of each single line, and its share in what is counted of a thin layer."""
        counted = np.array(
            [
                w * transmission(self.over, self.beam, energy, self.geometry).value
                for w, (energy, _) in zip(self.shares(own), own.lines, strict=True)
            ]
        )
        each = [slant_attenuation(matter, self.beam, e, self.geometry) for e, _ in own.lines]
        return np.array(each), counted / counted.sum()

    def chi(self, own: Emission, matter: Material) -> float:
        """Return χ in cm²/g of matter, mean over the single lines as they are counted."""
        weights = self.shares(own)
        each = [slant_attenuation(matter, self.beam, e, self.geometry) for e, _ in own.lines]
        return sum(w * x for w, x in zip(weights, each, strict=True)) / sum(weights)

    def shares(self, own: Emission) -> list[float]:
        """Return each line's share, times what gets to the detector and is stopped in it."""
        return [
            share
            * transmission(self.before, None, energy, Angles()).value
            * (1.0 - transmission((self.detector,), None, energy, Angles()).value)
            for energy, share in own.lines
        ]


@dataclass(frozen=True)
class Sensitivity:
    """Counts for 1 µg/cm² of a thin layer and one unit of exposure.

    Attributes
    ----------
    value : float
    std_stat : float
    parts : dict
        Systematic standard deviations, in the unit of `value`, by name; None: not known.
    how : str
    """

    value: float
    std_stat: float
    parts: Mapping[str, float | None]
    how: str

    @property
    def std_sys(self) -> float | None:
        """All parts together; None where one is not known."""
        known = [p for p in self.parts.values() if p is not None]
        return math.hypot(*known) if len(known) == len(self.parts) else None


def _chi(element: str, line: str, bench: Bench, matrix: Material | None) -> float:
    return bench.chi(emission(element, line, bench.beam), matrix or Material.of(element))


def saturation(
    element: str, line: str, bench: Bench, matrix: Material | None = None, fraction: float = 1.0
) -> float:
    """Return the mass of the element in µg/cm² that gives as many counts as infinitely much."""
    return fraction / _chi(element, line, bench, matrix) / MICRO


def fundamental_sensitivity(
    element: str,
    line: str,
    bench: Bench,
    photons: float,
    solid_angle: float,
    photons_std: float | None = None,
    solid_angle_std: float | None = None,
) -> Sensitivity:
    """Return the sensitivity from cross sections.

    Parameters
    ----------
    photons : float
        On the sample for one unit of exposure.
    solid_angle : float
        Of the detector, sr.
    photons_std, solid_angle_std : float, optional
        Relative standard deviations.

    Raises
    ------
    BadInputError
        The line is not excited.
    """
    own = emission(element, line, bench.beam)
    counted, counted_std = bench.counted(own)
    over, over_std = bench.let_through(own)
    into = photons * solid_angle / (4.0 * math.pi) * counted * over
    known = counted_std is not None and over_std is not None
    layers = math.hypot(counted_std or 0.0, over_std or 0.0) if known else None
    value = into * own.cross_section * bench.geometry.way_in * MICRO
    parts: dict[str, float | None] = {
        "cross_section": own.relative_std * value,
        "photons": None if photons_std is None else photons_std * value,
        "solid_angle": None if solid_angle_std is None else solid_angle_std * value,
        "layers": None if layers is None else layers * value,
    }
    return Sensitivity(value, 0.0, parts, "fundamental parameters, primary fluorescence only")


def standard_sensitivity(
    counts: float,
    counts_std: float,
    mass: float,
    mass_std: float | None,
    element: str,
    line: str,
    bench: Bench | None,
) -> Sensitivity:
    """Return the sensitivity that a standard shows, as of a layer so thin that it absorbs nothing.

    Parameters
    ----------
    counts, counts_std : float
        Mean over the standard, for one unit of exposure.
    mass, mass_std : float
        Mass per area of the element in the standard, µg/cm²; the deviation may be unknown.
    bench : Bench or None
        For the absorption in the standard itself; None: it is taken as thin.  Layers over the
        standard are corrected for, so that the sensitivity is that without any.

    Raises
    ------
    BadInputError
        The standard has no counts or no mass.
    """
    if counts <= 0.0 or mass <= 0.0:
        raise BadInputError(
            f"the standard gives {counts:.4g} counts of {element}_{line} for {mass:.4g} µg/cm²",
            fix="name a standard that holds the element, with its mass per area above 0",
        )
    lost, over = 1.0, 1.0
    over_std: float | None = 0.0
    if bench is not None:
        each, weights = bench.chis(emission(element, line, bench.beam), Material.of(element))
        passed = [float(self_absorption(mass * MICRO, float(one))) for one in each]
        lost = float(np.sum(weights * passed))
        over, over_std = bench.let_through(emission(element, line, bench.beam))
    value = counts / (mass * lost * over)
    parts: dict[str, float | None] = {
        "standard": None if mass_std is None else value * mass_std / mass,
        "layers": None if over_std is None else value * over_std,
    }
    if bench is None:
        parts["own_absorption"] = None  # without the beam nobody knows it
    return Sensitivity(value, value * counts_std / counts, parts, "a standard")


def transferred(
    known: Sensitivity, of: tuple[str, str], to: tuple[str, str], bench: Bench
) -> Sensitivity:
    """Return the sensitivity for another line, by the ratio of fundamental parameters.

    What both have in common (photons, solid angle) cancels; errors of the two cross sections and
    of the layers' thickness do not.
    """
    bare = replace(bench, over=())
    one, other = (fundamental_sensitivity(*line, bare, 1.0, 1.0, 0.0, 0.0) for line in (of, to))
    ratio = other.value / one.value
    value = known.value * ratio
    parts: dict[str, float | None] = {
        name: None if part is None else part * ratio for name, part in known.parts.items()
    }
    parts["cross_sections"] = value * math.hypot(
        *(emission(*line, bench.beam).relative_std for line in (of, to))
    )
    if one.parts["layers"] is None or other.parts["layers"] is None:
        parts["detector_layers"] = None
    else:
        parts["detector_layers"] = value * abs(
            one.parts["layers"] / one.value - other.parts["layers"] / other.value
        )
    how = f"{known.how} of {'_'.join(of)}, carried over by fundamental parameters"
    return Sensitivity(value, known.std_stat * ratio, parts, how)


@dataclass(frozen=True)
class MassPerArea:
    """What was found, in µg/cm².

    Attributes
    ----------
    values, std : ndarray
        NaN where the layer is too thick to tell; `std` None where the counts have none.
    thick : ndarray of bool
        Where only a least mass is known.
    least : float
        That mass.
    thin : ndarray
        Mass that the counts stand for if nothing is absorbed.
    slope : ndarray
        What an error of the thin mass is multiplied by.
    absorbed : float
        Mean share of the counts that the layer keeps to itself.
    """

    values: Array
    std: Array | None
    thick: NDArray[np.bool_]
    least: float
    thin: Array
    slope: Array
    absorbed: float


def mass_per_area(
    counts: Array,
    std: Array | None,
    sensitivity: float,
    chi: float | tuple[Array, Array],
    fraction: float = 1.0,
) -> MassPerArea:
    """Return the mass per area of an element, its own absorption undone.

    Parameters
    ----------
    counts, std : ndarray
        For one unit of exposure.
    sensitivity : float
        Counts per µg/cm² of a thin layer, of `Sensitivity` and with the layers over it.
    chi : float, or (ndarray, ndarray)
        cm²/g of the layer's matter; 0 takes the layer as thin.  Or those of the single lines of a
        family, with the share of each, from `Bench.chis`.
    fraction : float
        Mass fraction of the element in the layer.
    """
    thin = np.asarray(counts, dtype=np.float64) / sensitivity
    deviation = None if std is None else np.asarray(std, dtype=np.float64) / sensitivity
    each, weights = chi if isinstance(chi, tuple) else (np.array([chi]), np.ones(1))
    if each.max() <= 0.0:
        none = np.zeros(thin.shape, dtype=np.bool_)
        return MassPerArea(thin, deviation, none, math.inf, thin, np.ones(thin.shape), 0.0)
    per = each * MICRO / fraction
    full = float(np.sum(weights / per))
    with np.errstate(invalid="ignore"):
        thick = np.isfinite(thin) & (thin >= THICK * full)
    safe = np.where(thick, np.nan, thin)
    values = -np.log1p(-safe / full) * full  # exact for one line
    for _ in range(NEWTON if per.size > 1 else 0):
        left = np.exp(-np.multiply.outer(values, per))
        values = values + (safe - ((1.0 - left) / per) @ weights) / (left @ weights)
    slope = 1.0 / (np.exp(-np.multiply.outer(values, per)) @ weights)
    spread = None if deviation is None else deviation * slope
    mean = float(np.nanmean(values)) if np.isfinite(values).any() else math.nan
    kept = math.nan
    if math.isfinite(mean):
        passed = [float(self_absorption(mean, float(one))) for one in per]
        kept = 1.0 - float(np.sum(weights * passed))
    least = -math.log1p(-THICK) * full
    return MassPerArea(values, spread, thick, least, thin, slope, kept)


def mean_with_errors(
    found: MassPerArea, relative_sensitivity: Sequence[float | None]
) -> tuple[float, float | None, tuple[float | None, ...]]:
    """Return the mean mass of a map, its counting error, and what each relative error adds.

    An error of the sensitivity moves all points together, by `slope` times the thin mass.
    """
    good = np.isfinite(found.values)
    mean = float(found.values[good].mean())
    stat = None
    if found.std is not None:
        stat = float(np.sqrt(np.square(found.std[good]).sum())) / int(good.sum())
    per = float((found.slope[good] * found.thin[good]).mean())
    moved = tuple(None if part is None else abs(part * per) for part in relative_sensitivity)
    return mean, stat, moved
