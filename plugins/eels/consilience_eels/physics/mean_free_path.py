"""Mean free path of inelastic scattering, from the density.

References
----------
.. [1] K. Iakoubovskii, K. Mitsuishi, Y. Nakayama, K. Furuya, Microscopy Research and Technique
   71 (2008) 626, equation 9, with the angles of its equation 2.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

from consilience_eels.physics.beam import Beam

__all__ = ["mean_free_path"]

LIMIT = 20.0
"""mrad: beyond it a larger collection angle collects no more."""


def mean_free_path(density: float, beam: Beam, *, angles: bool = True) -> float:
    """Return λ in nm of a solid of `density` g/cm³.

    Parameters
    ----------
    density : float
    beam : Beam
    angles : bool
        Correct for convergence and collection as the reference does; without it, all that is
        scattered to 20 mrad.

    Notes
    -----
    The same as exSpy's `iMFP_Iakoubovskii` and `iMFP_angular_correction`, which a test holds.
    """
    kev = beam.energy
    factor = (1.0 + kev / 1022.0) / (1.0 + kev / 511.0) ** 2
    power = float(density**0.3)
    theta = 5.5 * power / (factor * kev)
    inverse = 11.0 * power / (200.0 * factor * kev) * math.log((LIMIT / theta) ** 2)
    if not angles:
        return 1.0 / inverse
    a2, b2, e2, c2 = beam.convergence**2, beam.collection**2, theta**2, LIMIT**2
    gap = abs(a2 - b2)
    correction = math.log(
        ((a2 + b2 + 2 * e2 + gap) * c2) / ((a2 + b2 + 2 * c2 + gap) * e2)
    ) / math.log(c2 / e2)
    return 1.0 / (inverse * correction)
