"""Which irradiations may be added: those of one particle, one species and like energy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.custody.dose.entries import DoseEntry

if TYPE_CHECKING:
    from consilience.custody.dose.ledger import Share

__all__ = ["LIKE_ENERGY", "alike", "kev", "like", "same_kind"]

LIKE_ENERGY = 0.05
"""Energies that differ by no more than this part of the larger are added up.

Within it the stopping power of electrons at 60 to 300 keV changes by less than 5 %: it falls no
faster than with the energy itself.
"""


def like(first: float, second: float) -> bool:
    """Return True if two energies are alike enough to add fluences."""
    return abs(first - second) <= LIKE_ENERGY * max(first, second)


def same_kind(first: DoseEntry, second: DoseEntry) -> bool:
    """Return True if two irradiations may be added."""
    if first is second:
        return True
    if first.energy is None or second.energy is None or first.species != second.species:
        return False
    return like(first.energy, second.energy)


def alike(
    shares: Sequence[Share], mine: Sequence[DoseEntry]
) -> tuple[list[Share], list[Share], float | None, str, list[str]]:
    """Split shares into what can be added and what is listed beside it."""
    doubts: list[str] = []
    energies = [e.energy for e in mine if e.energy is not None]
    if not energies and not mine:
        # a measurement that irradiates with something else: the sum is that of its past
        energies = [s.entry.energy for s in shares if s.counts and s.entry.energy is not None]
    species = next((e.species for e in mine if e.species), "")
    energy = max(energies) if energies else None
    if energies and not like(min(energies), max(energies)):
        doubts.append(
            "its energies are unlike ("
            + ", ".join(kev(e) for e in sorted(set(energies)))
            + "), so they are not added"
        )
    added: list[Share] = []
    beside: list[Share] = []
    for share in shares:
        entry = share.entry
        unlike_energy = (
            energy is not None and entry.energy is not None and not like(entry.energy, energy)
        )
        unlike_species = bool(species and entry.species and entry.species != species)
        (beside if unlike_energy or unlike_species else added).append(share)
    known = [s for s in added if s.entry.energy is not None]
    if mine and not energies and (known or len(added) > len(mine)):
        doubts.append("the energy of this measurement is not recorded, so others may not be added")
        added = [s for s in added if s.kept == "own"]
    return added, beside, energy, species, doubts


def kev(energy: float | None) -> str:
    """Return an energy as it is read."""
    return "an energy that is not recorded" if energy is None else f"{energy:g} keV"
