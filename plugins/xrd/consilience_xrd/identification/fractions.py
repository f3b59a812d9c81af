"""Mass fractions from absolute scales, and whether the data allow any to be stated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.axes import wavelength_to_energy
from consilience_xrd.references.intensity import (
    absolute_intensities,
    attenuation,
    cell_content,
    lattice_points,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from consilience_xrd.identification.texture import Agreement
    from consilience_xrd.references.reference import ReferencePattern

__all__ = [
    "Condition",
    "FractionSettings",
    "Fractions",
    "brindley",
    "conditions_of",
    "mass_fractions",
    "polarisation_change",
]


@dataclass(frozen=True)
class FractionSettings:
    """What is known or assumed of the specimen and of the beam.

    Attributes
    ----------
    grain_size : float or None
        Size of the particles [um]; None: unknown, and `assumed_grain` serves for the error only.
    assumed_grain : float
        Largest size that is thought possible where none is stated [um].
    b_iso, b_std : float
        Thermal parameter of all atoms and its standard deviation [angstrom^2].
    polarisation : float or None
        K in (1 + K cos^2 2theta): 1 without monochromator, cos^2 of its 2theta with one, 0 where
        the integration has divided by the polarisation factor.  None: not known, taken as 1.
    least_polarisation : float
        The least K that is thought possible where it is not known: that of a graphite
        monochromator behind a tube, and 0 for other beams.
    most_unassigned, most_halo : float
        Shares of the areas of all peaks beyond which a part is thought unknown or amorphous.
    least_agreement : float
        Least intensity agreement of a phase that counts as randomly oriented.
    """

    grain_size: float | None = None
    assumed_grain: float = 5.0
    b_iso: float = 0.6
    b_std: float = 0.4
    polarisation: float | None = None
    least_polarisation: float = 0.75
    most_unassigned: float = 0.05
    most_halo: float = 0.3
    least_agreement: float = 0.5


@dataclass(frozen=True)
class Condition:
    """One condition of a mass fraction, whether it holds, and what was seen."""

    name: str
    holds: bool
    said: str


@dataclass(frozen=True)
class Fractions:
    """Mass fractions of the crystalline phases.

    Attributes
    ----------
    phases : tuple of str
    value : ndarray, shape (n,)
        Sum 1.
    covariance : ndarray, shape (n, n)
        Of the statistical part.
    std_sys : ndarray or None
        None where micro-absorption cannot be judged.
    parts : dict
        Name of a systematic part to its standard deviation for each phase.
    correction : tuple of float
        Brindley factor that each phase was divided by; 1 where none was applied.
    """

    phases: tuple[str, ...]
    value: NDArray[np.float64]
    covariance: NDArray[np.float64]
    std_sys: NDArray[np.float64] | None
    parts: dict[str, NDArray[np.float64]]
    correction: tuple[float, ...]

    @property
    def std_stat(self) -> NDArray[np.float64]:
        """Statistical standard deviations."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


def brindley(contrast: float, size: float) -> float:
    """Micro-absorption factor of spherical grains.

    Parameters
    ----------
    contrast : float
        Attenuation of the phase less the mean of the powder's solid [1/cm].
    size : float
        Diameter [um].

    Returns
    -------
    float
        Mean of exp(-contrast x path) over the sphere: below 1 for the heavier phase.

    Notes
    -----
    The path through a point is taken as the chord along the beam, as for 2theta = 0; at larger
    angles it is shorter by less than the size is known.  With z = contrast x size:
    3 / z^3 (2 - exp(-z) (z^2 + 2 z + 2)).

    References
    ----------
    .. [1] G. W. Brindley, Phil. Mag. 36 (1945) 347, eq. 3 with its table's assumption.
    """
    z = contrast * size * 1e-4
    if abs(z) < 1e-2:
        return 1 - 0.75 * z + 0.3 * z * z
    return float(3 / z**3 * (2 - math.exp(-z) * (z * z + 2 * z + 2)))


def polarisation_change(reference: ReferencePattern, polarisation: float) -> NDArray[np.float64]:
    """Factor on each line's intensity for another polarisation than the calculator's."""
    cos2 = np.cos(np.radians([line.two_theta for line in reference.lines])) ** 2
    # both normalised to the same flux at 2theta = 0
    return np.asarray((1 + polarisation * cos2) / (1 + polarisation) * 2 / (1 + cos2))


def conditions_of(
    settings: FractionSettings,
    present: Sequence[str],
    unassigned: float | None,
    halo: float,
    agreements: Mapping[str, Agreement | None],
    doubtful: Sequence[str],
    known_wavelength: bool,
) -> list[Condition]:
    """Say of each condition of a mass fraction whether it holds.

    Parameters
    ----------
    unassigned : float or None
        Share of the areas of all peaks that no present phase explains; None if unknown.
    halo : float
        Area of humps of the baseline over that of all peaks.
    agreements : dict
        Intensity agreement of each present phase.
    doubtful : sequence of str
        Phases that could stand for a present one, or that a second opinion wants.
    """
    out = [
        Condition(
            "absolute scale",
            known_wavelength,
            "the wavelength is known" if known_wavelength else "the wavelength is not known",
        ),
        Condition(
            "all phases known",
            unassigned is not None and unassigned <= settings.most_unassigned,
            "the share of unassigned peaks is not known"
            if unassigned is None
            else f"{unassigned:.1%} of the areas of all peaks is unassigned "
            f"(at most {settings.most_unassigned:.0%} allowed)",
        ),
        Condition(
            "no doubt of a phase",
            not doubtful,
            "in doubt: " + ", ".join(doubtful) if doubtful else "no phase is in doubt",
        ),
        Condition(
            "no amorphous part",
            halo <= settings.most_halo,
            f"humps of the baseline hold {halo:.0%} of the areas of all peaks "
            f"(at most {settings.most_halo:.0%} allowed)",
        ),
    ]
    for key in present:
        agreement = agreements.get(key)
        if agreement is None:
            said, holds = f"{key}: too few lines of its own to tell", False
        else:
            holds = agreement.plain >= settings.least_agreement and agreement.texture is None
            said = f"{key}: intensity agreement {agreement.plain:.2f} of {agreement.lines} peaks"
            if agreement.texture is not None:
                said += f", {agreement.texture.sentence}"
        out.append(Condition("random orientation", holds, said))
    return out


def mass_fractions(
    references: Sequence[ReferencePattern],
    scales: NDArray[np.float64],
    covariance: NDArray[np.float64],
    wavelength: float,
    settings: FractionSettings,
    scatter: Sequence[float],
    other_scales: NDArray[np.float64] | None = None,
    unassigned: float = 0.0,
) -> Fractions:
    """Turn scales into mass fractions.

    Parameters
    ----------
    references : sequence of ReferencePattern
        One for each phase.
    scales, covariance : ndarray, shape (n,), (n, n)
        Area of the line of relative intensity 100.
    scatter : sequence of float
        Relative standard deviation of each scale by texture and grains: rms log ratio of the
        phase's lines over the root of their number.
    other_scales : ndarray, optional
        The same scales by another way; half of the difference counts as systematic.
    unassigned : float
        Share of the areas of all peaks that belongs to none of the phases; what they might stand
        for is missing from every fraction.

    Notes
    -----
    The intensity of a line goes with W |F|^2 m LP / (V^2 rho) at equal absorption of the whole
    specimen, so W is proportional to scale V^2 rho / (|F|^2 m LP tau) with tau Brindley's
    factor; the sum of all W is one.

    References
    ----------
    .. [1] R. J. Hill, C. J. Howard, J. Appl. Cryst. 20 (1987) 467, eq. 4 (there as Z M V).
    """
    n = len(references)
    content = [cell_content(r.phase) for r in references]
    weight = np.array([1.0 if r.lines else 0.0 for r in references])
    relative = [np.array([line.intensity for line in r.lines]) for r in references]

    def unit(i: int, b_iso: float, polarisation: float) -> float:
        """Absolute intensity per unit of relative intensity, averaged over the lines used."""
        reference = references[i]
        full = absolute_intensities(reference, b_iso) * polarisation_change(reference, polarisation)
        return float(full.sum() / relative[i].sum())

    def fractions(
        amounts: NDArray[np.float64], b: Sequence[float], k: float, size: float | None
    ) -> tuple[NDArray[np.float64], tuple[float, ...]]:
        per = np.array([content[i].v2_rho / unit(i, b[i], k) for i in range(n)]) * weight
        raw = amounts * per
        tau = np.ones(n)
        if size is not None and mu is not None:
            for _ in range(8):
                volume = raw / tau / np.array([c.density for c in content])
                mean = float(np.sum(volume * mu) / np.sum(volume))
                tau = np.array([brindley(float(m) - mean, size) for m in mu])
        raw = raw / tau
        return raw / raw.sum(), tuple(float(t) for t in tau)

    energy = wavelength_to_energy(wavelength)
    found = [attenuation(r.phase, energy) for r in references]
    mu = None if any(m is None for m in found) else np.array(found, dtype=float)
    b = [settings.b_iso] * n
    k = 1.0 if settings.polarisation is None else settings.polarisation
    value, tau = fractions(scales, b, k, settings.grain_size)
    # d ln W_i = d ln s_i - sum_j W_j d ln s_j
    jacobian = value[:, None] * (np.eye(n) - value[None, :]) / scales[None, :]
    parts = {
        "scatter of the lines": np.sqrt(
            ((value[:, None] * (np.eye(n) - value[None, :])) ** 2) @ np.square(scatter)
        )
    }
    moved = np.zeros(n)
    for i in range(n):
        changed = [v + (settings.b_std if j == i else 0.0) for j, v in enumerate(b)]
        moved += (fractions(scales, changed, k, settings.grain_size)[0] - value) ** 2
    parts["thermal motion"] = np.sqrt(moved)
    if settings.polarisation is None:
        other, _ = fractions(scales, b, settings.least_polarisation, settings.grain_size)
        parts["polarisation not known"] = np.abs(other - value) / math.sqrt(3)
    if other_scales is not None and np.all(other_scales > 0):
        other, _ = fractions(other_scales, b, k, settings.grain_size)
        parts["way of finding the scales"] = 0.5 * np.abs(other - value)
    if unassigned > 0:
        parts["unassigned peaks"] = unassigned * value / math.sqrt(3)
    if not all(lattice_points(r).dispersion for r in references):
        parts["dispersion not known"] = 0.05 * value * (1 - value)
    std_sys: NDArray[np.float64] | None
    if mu is None and n > 1:
        std_sys = None
    else:
        size = settings.grain_size
        other, _ = fractions(scales, b, k, settings.assumed_grain if size is None else 0.5 * size)
        # nothing says where between none and the assumed size: a uniform distribution
        parts["micro-absorption"] = np.abs(other - value) / (math.sqrt(3) if size is None else 1)
        std_sys = np.sqrt(np.sum([np.square(p) for p in parts.values()], axis=0))
    return Fractions(
        tuple(r.phase.key for r in references), value, jacobian @ covariance @ jacobian.T,
        std_sys, parts, tau,
    )  # fmt: skip
