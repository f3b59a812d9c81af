"""With what a technique irradiates a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from consilience.custody.dose.units import Particle

if TYPE_CHECKING:
    from consilience.custody.custody import Custody

__all__ = ["radiation_of"]

_TECHNIQUES: dict[str, tuple[Particle, ...]] = {
    **dict.fromkeys(
        "sem tem stem hrtem eels eds edx ebsd 4dstem electron_diffraction".split(), ("electron",)
    ),
    **dict.fromkeys("xrd xrf compton ct xas xanes exafs saxs xps nano_ct".split(), ("photon",)),
    **dict.fromkeys("fib sims".split(), ("ion",)),
    "apt": (),
}
"""Words for techniques in the conditions of steps, and what they irradiate with."""

_RADIATION: WeakKeyDictionary[Custody, dict[str, tuple[Particle, ...]]] = WeakKeyDictionary()


def radiation_of(custody: Custody, modality: str) -> tuple[Particle, ...] | None:
    """Return with what a technique irradiates; None where that is not known.

    The exposures of the study's own measurements say so, else the technique's name does.
    """
    if custody not in _RADIATION:
        known: dict[str, set[Particle]] = {}
        for record in custody.records.values():
            particles = known.setdefault(record.modality, set())
            particles.update(exposure.particle for exposure in record.exposures)
        _RADIATION[custody] = {name: tuple(sorted(found)) for name, found in known.items()}
    return _RADIATION[custody].get(modality) or _TECHNIQUES.get(modality.lower())
