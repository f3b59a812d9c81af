"""Mass fractions in a known matrix, by an element whose fraction is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from consilience.errors import BadInputError
from consilience_xrf.amounts.attenuation import Material, self_absorption
from consilience_xrf.amounts.density import Bench
from consilience_xrf.amounts.emission import emission

__all__ = ["Fraction", "mass_fractions"]


@dataclass(frozen=True)
class Fraction:
    """Mass fraction of an element by one of its families.

    Attributes
    ----------
    value : float
    std_stat : float
        Of its counts and those of the reference.
    std_sys : float or None
        Of the two cross sections and of the reference's fraction; None where the latter's error
        is not known.
    """

    value: float
    std_stat: float
    std_sys: float | None


def mass_fractions(
    counts: Mapping[str, tuple[float, float]],
    reference: str,
    fraction: float,
    bench: Bench,
    matrix: Material,
    mass: float,
    fraction_std: float | None = None,
) -> dict[str, Fraction]:
    """Return the mass fraction of each element, by family.

    Parameters
    ----------
    counts : mapping
        Family such as ``"Co_K"`` to counts and their standard deviation.
    reference : str
        The family of the element whose `fraction` is known.
    fraction, fraction_std : float
        Its mass fraction, and its standard deviation where that is known.
    bench : Bench
    matrix : Material
        What absorbs beam and lines; the elements counted are too few to change it.
    mass : float
        Mass per area of the matrix, g/cm².

    Raises
    ------
    BadInputError
        The reference was not counted, or a family is not excited.

    Notes
    -----
    w_i = w_r (N_i / N_r) (s_r / s_i), with s the counts that a gram gives: cross section times
    what the layers let through, the detector stops, and the matrix lets out of itself.
    """
    if reference not in counts or counts[reference][0] <= 0.0:
        raise BadInputError(
            f"the reference {reference!r} has no counts among {', '.join(counts)}",
            fix="name a family that was counted",
        )

    def given(name: str) -> tuple[float, float]:
        element, _, line = name.partition("_")
        own = emission(element, line, bench.beam)
        escape = float(self_absorption(mass, bench.chi(own, matrix)))
        per_gram = own.cross_section * bench.counted(own)[0] * bench.let_through(own)[0] * escape
        return per_gram, own.relative_std

    base, base_std = counts[reference]
    per_base, sure_base = given(reference)
    found: dict[str, Fraction] = {}
    for name, (number, std) in counts.items():
        per, sure = given(name)
        scale = fraction * per_base / per / base
        value = number * scale
        if name == reference:
            found[name] = Fraction(fraction, 0.0, fraction_std)
            continue
        stat = scale * math.hypot(std, number * base_std / base)
        sys = None
        if fraction_std is not None:
            sys = abs(value) * math.hypot(sure, sure_base, fraction_std / fraction)
        found[name] = Fraction(value, stat, sys)
    return found
