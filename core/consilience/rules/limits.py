"""Published limits of dose as the rules have them, for planning an exposure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from consilience.quantities import parse_quantity
from consilience.rules.model import Rule

__all__ = ["DoseLimit", "dose_limits"]


@dataclass(frozen=True)
class DoseLimit:
    """A published limit of electron fluence.

    Parameters
    ----------
    rule : Rule
        Where it stands, with words, citation and `basis`.
    phase : str
        First word of the rule's `scope.material`: ``LiF``, ``Li metal``.
    fluence : float
        1/Å².
    relation : str
        The true limit is this to `fluence`: ``<`` says that it lies below.
    at_most, above : float or None
        Temperatures (K) it is applied to: up to, or warmer than; both None: not bounded.
    energy : float or None
        keV, at which it was measured.
    fluence_rate : float or None
        1/Å²/s, for which it was stated.
    harmless : bool
        Shown to do no harm; a limit beyond it is not published.
    """

    rule: Rule
    phase: str
    fluence: float
    relation: str
    at_most: float | None
    above: float | None
    energy: float | None
    fluence_rate: float | None
    harmless: bool

    def covers(self, temperature: float) -> bool:
        """Return whether it is applied at `temperature` (K)."""
        if self.at_most is not None and temperature > self.at_most:
            return False
        return self.above is None or temperature > self.above


def dose_limits(rules: Iterable[Rule], phase: str | None = None) -> list[DoseLimit]:
    """Return the limits of electron dose among the rules, of one phase or of all."""
    limits = []
    for rule in rules:
        if rule.metric not in ("electron_fluence", "electron_fluence_warm"):
            continue
        if rule.basis is None or not rule.scope.material or rule.effect == "off":
            continue
        if not (rule.basis.at_most or rule.basis.above or rule.basis.harmless):
            continue
        names = [m.casefold() for m in rule.scope.material]
        if phase is not None and phase.casefold() not in names:
            continue
        basis = rule.basis
        limits.append(
            DoseLimit(
                rule=rule,
                phase=rule.scope.material[0],
                fluence=rule.value,
                relation=basis.relation,
                at_most=_number(basis.at_most, "K"),
                above=_number(basis.above, "K"),
                energy=_number(basis.voltage.replace("V", "eV"), "keV"),
                fluence_rate=_number(basis.fluence_rate, "1/angstrom^2/s"),
                harmless=basis.harmless,
            )
        )
    return sorted(limits, key=lambda limit: limit.rule.id)


def _number(text: str, unit: str) -> float | None:
    return parse_quantity(text, unit).value if text else None
