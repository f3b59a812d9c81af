"""What the beam does to the salts: a model of LiF and Li₂CO₃ turning into Li₂O with the dose.

The share that is lost follows ``1 − exp(−D/D_c)``.  Published critical doses bound D_c and were
had at 200 kV in broad beams; the exponential, and Li₂O as the only product, are this model's.
Lithium atoms are conserved; fluorine, carbon dioxide and the volume they took are lost.

References
----------
.. [1] LiGuide's windows at 100 e/Å²/s: LiF 2 s at 20 °C and 100 s below −170 °C; Li₂CO₃ under
   1 s and 20 s, so that its doses are upper bounds.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

from consilience_eels.physics.materials import MATERIALS

__all__ = ["COLD", "CRITICAL", "critical_dose", "damaged", "oxide_per_salt"]

COLD = 103.15
"""K, below which the doses of the cold hold."""

CRITICAL: dict[str, tuple[float, float]] = {"LiF": (200.0, 10000.0), "Li2CO3": (100.0, 2000.0)}
"""Material to critical dose at 20 °C and below −170 °C, electrons per Å²."""


def critical_dose(material: str, temperature: float) -> float | None:
    """Return D_c in e/Å²; None where the material is not one that is lost.

    Above `COLD` it is that of 20 °C: nothing is published in between.
    """
    if material not in CRITICAL:
        return None
    warm, cold = CRITICAL[material]
    return cold if temperature <= COLD else warm


def damaged(material: str, dose: float, temperature: float) -> float:
    """Return the share of a material (0 to 1) that a dose in e/Å² has turned into Li₂O."""
    critical = critical_dose(material, temperature)
    return 0.0 if critical is None else -math.expm1(-dose / critical)


def oxide_per_salt(material: str) -> float:
    """Return the volume of Li₂O that has the lithium of one volume of a salt."""
    salt, oxide = MATERIALS[material], MATERIALS["Li2O"]
    lithium = salt.units_per_nm3 * salt.atoms["Li"]
    return lithium / (oxide.units_per_nm3 * oxide.atoms["Li"])
