"""Dose from what a microscope or beamline shows; every result carries its formula with the numbers.

*Fluence* is particles over area, *fluence rate* the same for each second.  Quantities are given as
`Quantity` or as text (``"17 pA"``); pint converts them at this edge.

References
----------
.. [1] R. F. Egerton, P. Li, M. Malac, "Radiation damage in the TEM and SEM", Micron 35 (2004)
   399-409.
.. [2] pyxem issue 934: a probe wider than the scan step makes the step-limited and the
   probe-limited fluence differ, so both are given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from consilience.custody.dose.units import FLUENCE_UNITS, quantity_in, shown
from consilience.errors import BadInputError
from consilience.model.base import Quantity

__all__ = [
    "ELEMENTARY_CHARGE",
    "Derived",
    "StemFluence",
    "beam_fluence_rate",
    "electrons",
    "fluence_from_rate",
    "ion_fluence",
    "photon_dose",
    "photon_fluence",
    "rate_from_fluence",
    "stem_fluence",
    "tem_fluence_rate",
]

ELEMENTARY_CHARGE = 1.602176634e-19
"""Coulomb, exact by the definition of the SI."""

Given = Quantity | str


@dataclass(frozen=True)
class Derived:
    """A quantity and the formula it came from, with the numbers."""

    quantity: Quantity
    formula: str

    @property
    def value(self) -> float:
        """The number, in the unit of `quantity`."""
        return self.quantity.value


@dataclass(frozen=True)
class StemFluence:
    """What a scanned probe did.

    Parameters
    ----------
    per_pixel : Derived
        Electrons for each pixel, all frames together.
    step_limited : Derived or None
        Mean over the scanned area: electrons of a pixel over the square of the step.
    probe_limited : Derived or None
        Under a probe that stands on one pixel: electrons of a pixel over the probe's area.
    rate : Derived or None
        Fluence rate under the probe.
    """

    per_pixel: Derived
    step_limited: Derived | None
    probe_limited: Derived | None
    rate: Derived | None

    @property
    def highest(self) -> Derived | None:
        """What the most irradiated point received; None where step or probe is unknown.

        A probe narrower than the step leaves spots with the probe-limited fluence; a wider one
        visits each point several times, up to the step-limited fluence.  The higher one holds.
        """
        if self.step_limited is None or self.probe_limited is None:
            return None
        return max(self.step_limited, self.probe_limited, key=lambda d: d.value)


def _positive(name: str, said: Given, unit: str) -> float:
    value = quantity_in(said, unit).value
    if value <= 0:
        raise BadInputError(
            f"{name} is {value:g} {unit}, expected a number above 0",
            fix=f"give {name} as it was, or leave it out if it is not known",
        )
    return value


def _count(name: str, value: int) -> int:
    if value < 1:
        raise BadInputError(f"{name} is {value}, expected 1 or more", fix=f"correct {name}")
    return value


def _derived(value: float, unit: str, formula: str) -> Derived:
    return Derived(Quantity(value=value, unit=unit), f"{formula} = {shown(value, unit)}")


def electrons(current: Given, time: Given, frames: int = 1) -> Derived:
    """Return the number of electrons that a current carries: ``N = I · t · n / e``.

    Examples
    --------
    >>> electrons("17 pA", "0.05 s", 40).formula
    'N = I·t·n/e = 1.7e-11 A × 0.05 s × 40 / 1.602e-19 C = 2.122e+08'
    """
    amperes, seconds = _positive("current", current, "A"), _positive("time", time, "s")
    number = amperes * seconds * _count("frames", frames) / ELEMENTARY_CHARGE
    formula = f"N = I·t·n/e = {amperes:.4g} A × {seconds:.4g} s × {frames} / 1.602e-19 C"
    return _derived(number, "1", formula)


def _probe_area(diameter: float) -> float:
    return math.pi * diameter**2 / 4.0


def stem_fluence(
    current: Given,
    dwell: Given,
    frames: int = 1,
    step: Given | None = None,
    probe: Given | None = None,
) -> StemFluence:
    """Return the fluence of a scanned probe, step-limited and probe-limited.

    Parameters
    ----------
    current, dwell : Quantity or str
        Probe current and time on each pixel in each frame.
    frames : int
        How many times the area was scanned.
    step : Quantity or str, optional
        Distance of pixels, the same both ways.
    probe : Quantity or str, optional
        Diameter of the probe, taken as a disc of even brightness.
    """
    amperes = _positive("current", current, "A")
    per_pixel = electrons(current, dwell, frames)
    number, unit = per_pixel.value, FLUENCE_UNITS["electron"]
    by_step = by_probe = rate = None
    if step is not None:
        length = _positive("step", step, "angstrom")
        by_step = _derived(
            number / length**2,
            unit,
            f"step-limited: N/s² = {number:.4g} / ({length:.4g} Å)²",
        )
    if probe is not None:
        wide = _positive("probe", probe, "angstrom")
        area = _probe_area(wide)
        by_probe = _derived(
            number / area, unit, f"probe-limited: N/(π d²/4) = {number:.4g} / (π ({wide:.4g} Å)²/4)"
        )
        rate = _derived(
            amperes / ELEMENTARY_CHARGE / area,
            f"{unit}/s",
            f"I/(e π d²/4) = {amperes:.4g} A / (1.602e-19 C × π ({wide:.4g} Å)²/4)",
        )
    return StemFluence(per_pixel, by_step, by_probe, rate)


def tem_fluence_rate(current_density: Given) -> Derived:
    """Return the fluence rate of a current density at the sample: ``j / e``."""
    density = _positive("current density", current_density, "A/m^2")
    return _derived(
        density / ELEMENTARY_CHARGE * 1e-20,
        f"{FLUENCE_UNITS['electron']}/s",
        f"j/e = {density:.4g} A/m² / 1.602e-19 C",
    )


def beam_fluence_rate(current: Given, diameter: Given) -> Derived:
    """Return the fluence rate of a standing round beam: ``I / (e π d²/4)``."""
    amperes = _positive("current", current, "A")
    wide = _positive("diameter", diameter, "angstrom")
    return _derived(
        amperes / ELEMENTARY_CHARGE / _probe_area(wide),
        f"{FLUENCE_UNITS['electron']}/s",
        f"I/(e π d²/4) = {amperes:.4g} A / (1.602e-19 C × π ({wide:.4g} Å)²/4)",
    )


def fluence_from_rate(rate: Quantity, duration: Given) -> Derived:
    """Return rate × duration, in the unit of the rate without ``/s``.

    Examples
    --------
    >>> fluence_from_rate(Quantity(value=3.5e3, unit="1/angstrom^2/s"), "500 ms").formula
    'rate × t = 3500 e/Å²/s × 0.5 s = 1750 e/Å²'
    """
    seconds = quantity_in(duration, "s").value
    unit = rate.unit.removesuffix("/s")
    formula = f"rate × t = {shown(rate.value, rate.unit)} × {seconds:.4g} s"
    return _derived(rate.value * seconds, unit, formula)


def rate_from_fluence(fluence: Quantity, duration: Given) -> Derived:
    """Return fluence / duration, the mean rate."""
    seconds = _positive("duration", duration, "s")
    formula = f"fluence / t = {shown(fluence.value, fluence.unit)} / {seconds:.4g} s"
    return _derived(fluence.value / seconds, f"{fluence.unit}/s", formula)


def photon_fluence(flux: Given, area: Given, time: Given) -> Derived:
    """Return photons over area: ``flux · t / A``, with `flux` in photons for each second."""
    each = _positive("flux", flux, "1/s")
    square = _positive("area", area, "um^2")
    seconds = _positive("time", time, "s")
    return _derived(
        each * seconds / square,
        FLUENCE_UNITS["photon"],
        f"flux·t/A = {each:.4g} 1/s × {seconds:.4g} s / {square:.4g} µm²",
    )


def ion_fluence(current: Given, area: Given, time: Given, charge: int = 1) -> Derived:
    """Return ions over area: ``I · t / (z e A)``."""
    amperes = _positive("current", current, "A")
    square = _positive("area", area, "nm^2")
    seconds = _positive("time", time, "s")
    number = _count("charge", charge)
    return _derived(
        amperes * seconds / (number * ELEMENTARY_CHARGE * square),
        FLUENCE_UNITS["ion"],
        f"I·t/(z e A) = {amperes:.4g} A × {seconds:.4g} s / ({number} × 1.602e-19 C × "
        f"{square:.4g} nm²)",
    )


def photon_dose(fluence: Given, energy: Given, material: str | dict[str, float]) -> Derived:
    """Return the dose in gray at the surface: ``D = Φ · E · μ_en/ρ``.

    Parameters
    ----------
    fluence : Quantity or str
    energy : Quantity or str
        Of one photon.
    material : str or dict
        Formula, or formula to mass fraction.

    Raises
    ------
    BadInputError
        The library of coefficients is not installed, or does not know material or energy.

    Notes
    -----
    Charged-particle equilibrium is assumed: what the photoelectrons carry out of a beam or film
    that is smaller than their range is carried in as much.  In a thin film or a nanobeam the dose
    is lower than this.

    References
    ----------
    .. [1] J. H. Hubbell, S. M. Seltzer, Tables of X-Ray Mass Attenuation Coefficients and Mass
       Energy-Absorption Coefficients, NISTIR 5632, NIST Standard Reference Database 126, section 3.
    """
    from consilience.custody.dose.coefficients import mass_energy_absorption

    per_area = _positive("fluence", fluence, FLUENCE_UNITS["photon"])
    kev = _positive("energy", energy, "keV")
    coefficient, said = mass_energy_absorption(material, kev)
    # photons/µm² → 1/m², keV → J, cm²/g → m²/kg
    gray = per_area * 1e12 * kev * 1e3 * ELEMENTARY_CHARGE * coefficient * 0.1
    return _derived(
        gray,
        "Gy",
        f"Φ·E·μ_en/ρ = {shown(per_area, '1/um^2')} × {kev:.4g} keV × {coefficient:.4g} cm²/g "
        f"({said})",
    )
