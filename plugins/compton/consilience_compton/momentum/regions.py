"""Region subtraction: electrolyte and cathode out of beams that are higher than they are thick.

I_s = I_R2 − α I_R3 and I_c = I_R1 − I_s − β I_R3 (eqs 2 and 3 of the reference), so that
I_c = I_R1 − I_R2 + (α − β) I_R3.  α and β are the volumes of lithium metal in regions 2 and 1
for one in region 3.

References
----------
Huang et al., J. Phys. Energy 7, 025009 (2025), eqs 2 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError

__all__ = [
    "COMPONENTS",
    "Fractions",
    "fractions_of_layers",
    "given",
    "subtract",
    "weights_of",
]

Array = NDArray[np.float64]
COMPONENTS = ("cathode", "electrolyte", "anode")
"""What the three regions are taken apart into, in the order of `weights_of`."""


@dataclass(frozen=True)
class Fractions:
    """α and β with what makes them uncertain.

    Parameters
    ----------
    alpha, beta : float
        0 to 1.
    causes : dict
        Name of an independent cause to what one standard deviation of it does to (α, β).  Empty:
        the errors are not known.
    source : str
        Where they come from.

    Raises
    ------
    BadInputError
        A fraction below 0 or above 1.
    """

    alpha: float
    beta: float
    causes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    source: str = "as given"

    def __post_init__(self) -> None:
        for name, value in (("α", self.alpha), ("β", self.beta)):
            if not (math.isfinite(value) and 0.0 <= value <= 1.0):
                raise BadInputError(
                    f"{name} = {value:g} is no share of the volume of lithium in region 3",
                    fix="α and β lie between 0 and 1: the lithium in regions 2 and 1 for one in "
                    "region 3; region 3 must hold lithium alone",
                )

    @property
    def covariance(self) -> Array | None:
        """Of (α, β), shape (2, 2); None where no cause is known."""
        if not self.causes:
            return None
        found = np.zeros((2, 2))
        for moved in self.causes.values():
            found += np.outer(moved, moved)
        return found


def given(
    alpha: float,
    beta: float,
    alpha_std: float | None = None,
    beta_std: float | None = None,
    correlation: float = 0.0,
) -> Fractions:
    """Return fractions that somebody states, with errors and their correlation.

    Raises
    ------
    BadInputError
        A fraction out of 0 to 1, a correlation out of −1 to 1.
    """
    if not -1.0 <= correlation <= 1.0:
        raise BadInputError(
            f"a correlation of {correlation:g}", fix="give a number between -1 and 1"
        )
    causes: dict[str, tuple[float, float]] = {}
    if alpha_std is not None and beta_std is not None:
        causes["alpha"] = (alpha_std, correlation * beta_std)
        causes["beta"] = (0.0, math.sqrt(1.0 - correlation**2) * beta_std)
    elif alpha_std is not None:
        causes["alpha"] = (alpha_std, 0.0)
    elif beta_std is not None:
        causes["beta"] = (0.0, beta_std)
    return Fractions(alpha, beta, causes)


def fractions_of_layers(
    beam: float,
    cathode: float,
    electrolyte: float,
    *,
    beam_std: float = 0.0,
    cathode_std: float = 0.0,
    electrolyte_std: float = 0.0,
    aligned_std: float = 0.0,
) -> Fractions:
    """Return α and β of flat layers, beam edges aligned with theirs, all in µm.

    Region 3 is lithium over the whole beam; region 2 is the electrolyte and lithium, region 1
    cathode, electrolyte and lithium.  α = 1 − e/B, β = 1 − (e + c)/B.

    Parameters
    ----------
    beam, cathode, electrolyte : float
        Height of the beam, thickness of the layers, µm.
    beam_std, cathode_std, electrolyte_std : float
        Standard deviations, µm.
    aligned_std : float
        Of each beam's edge against its layer's, µm, independent for regions 1 and 2.

    Raises
    ------
    BadInputError
        A thickness that is not above 0, or layers higher than the beam.
    """
    for name, value in (("beam", beam), ("cathode", cathode), ("electrolyte", electrolyte)):
        if not (math.isfinite(value) and value > 0.0):
            raise BadInputError(f"{name}: {value:g} µm is not above 0", fix="give it in µm")
    if cathode + electrolyte > beam:
        raise BadInputError(
            f"cathode and electrolyte ({cathode + electrolyte:g} µm) are higher than the beam "
            f"({beam:g} µm): β would be negative",
            fix="give the heights in µm; where the beam holds the cathode alone, no subtraction "
            "is needed",
        )
    both = cathode + electrolyte
    causes = {
        "beam_height": (electrolyte / beam**2 * beam_std, both / beam**2 * beam_std),
        "electrolyte_thickness": (-electrolyte_std / beam, -electrolyte_std / beam),
        "cathode_thickness": (0.0, -cathode_std / beam),
        "alignment_2": (aligned_std / beam, 0.0),
        "alignment_1": (0.0, aligned_std / beam),
    }
    known = {name: moved for name, moved in causes.items() if any(moved)}
    return Fractions(
        1.0 - electrolyte / beam,
        1.0 - both / beam,
        known,
        f"beam {beam:g} µm, cathode {cathode:g} µm, electrolyte {electrolyte:g} µm, edges aligned",
    )


def weights_of(fractions: Fractions) -> Array:
    """Return the matrix from (R1, R2, R3) to (cathode, electrolyte, anode), shape (3, 3)."""
    a, b = fractions.alpha, fractions.beta
    return np.array([[1.0, -1.0, a - b], [0.0, 1.0, -a], [0.0, 0.0, 1.0]])


def subtract(
    regions: Array, covariance: Array, fractions: Fractions
) -> tuple[Array, Array, dict[str, Array]]:
    """Subtract regions of any number of quantities at once, with the covariance of all results.

    Parameters
    ----------
    regions : ndarray, shape (3, k)
        The same k quantities (counts of windows, bins of a profile) in regions 1, 2, 3.
    covariance : ndarray, shape (3, k) or (3, k, k)
        Variances or covariances within a region; regions are independent.
    fractions : Fractions

    Returns
    -------
    components : ndarray, shape (3, k)
        Cathode, electrolyte, anode.
    statistical : ndarray, shape (3, 3, k) or (3, 3, k, k)
        Between components: of each quantity with itself, or of all with all.
    systematic : dict of ndarray, shape (3, k)
        What one standard deviation of each cause of α and β does; the covariance of a cause is
        the outer product of its array with itself.
    """
    weights = weights_of(fractions)
    values = weights @ regions
    outer = weights[:, None, :] * weights[None, :, :]
    statistical = np.tensordot(outer, covariance, axes=(2, 0))
    moved = {
        name: np.stack([(da - db) * regions[2], -da * regions[2], 0.0 * regions[2]])
        for name, (da, db) in fractions.causes.items()
    }
    return values, statistical, moved
