"""From maps of lines to maps of phases: intensity with limit, and strain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.identification.results import STRONG

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.identification.matching import Pairing
    from consilience_xrd.maps.lines import MapLine

__all__ = ["PhaseLines", "PhaseMap", "assign_lines", "phase_map"]

LEAST = 5.0
"""Relative intensity of a reference line that a line of the map may be."""
MISSED = 1.85
"""Standard deviations for at most 5 % missed: 1.645, and a little for the noise of the baseline."""
LEAST_LEFT = 0.2
"""Smaller shares say that the baseline follows lines; limits are not made larger than that."""


@dataclass(frozen=True)
class PhaseLines:
    """Lines of the map that one phase explains.

    Attributes
    ----------
    own : tuple of int
        That no other present phase explains.
    shared : tuple of int
        That others explain too.
    used : tuple of int
        For the map of the phase: strong own lines, else own ones, else all.
    hkl : dict of int to str
    """

    phase: str
    own: tuple[int, ...]
    shared: tuple[int, ...]
    used: tuple[int, ...]
    hkl: Mapping[int, str]

    @property
    def alone(self) -> bool:
        """Whether the map of this phase rests on lines of its own."""
        return bool(self.own)


@dataclass(frozen=True)
class PhaseMap:
    """A phase over the map; all of shape (points,), NaN where unknown.

    `intensity` is the sum of the areas of the lines used; `limit` the least sum that is missed in
    at most 5 % of trials; `strain` the relative change of its spacings against the map's median.
    """

    intensity: NDArray[np.float64]
    intensity_std: NDArray[np.float64]
    null_std: NDArray[np.float64]
    limit: NDArray[np.float64]
    detected: NDArray[np.bool_]
    strain: NDArray[np.float64]
    strain_std: NDArray[np.float64]


def assign_lines(
    lines: Sequence[MapLine], present: Mapping[str, Pairing], room: float = 0.75
) -> list[PhaseLines]:
    """Say which lines belong to which of the phases that are present somewhere.

    Parameters
    ----------
    present : mapping
        Phase to the pairing of the pattern where it was found, whose shift is used.
    room : float
        Distance in widths of the line, beside three standard deviations of the cell.
    """
    near: dict[str, dict[int, tuple[float, str, float]]] = {}
    for key, pairing in present.items():
        reference = next(r for r in pairing.references if r.phase.key == key)
        for line in reference.lines:
            if line.intensity < LEAST:
                continue
            place = pairing.place(reference, line)[0]
            for i, seen in enumerate(lines):
                off = abs(seen.center - place)
                if off <= room * seen.fwhm + 3 * line.q_std:
                    old = near.setdefault(key, {}).get(i)
                    if old is None or line.intensity > old[2]:
                        near[key][i] = (off, line.label, line.intensity)
    out = []
    for key in present:
        mine = near.get(key, {})
        others = {i for other, found in near.items() if other != key for i in found}
        own = tuple(i for i in sorted(mine) if i not in others)
        strong = tuple(i for i in own if mine[i][2] >= STRONG)
        used = strong or own or tuple(sorted(mine))
        out.append(
            PhaseLines(
                key, own, tuple(i for i in sorted(mine) if i in others), used,
                {i: mine[i][1] for i in mine},
            )
        )  # fmt: skip
    return out


def phase_map(
    phase: PhaseLines,
    maps: Mapping[str, NDArray[np.float64]],
    decision: float,
    own_noise: float,
    share: float = 1.0,
) -> PhaseMap:
    """Sum the lines of a phase at each point, and take the mean of their strains.

    Parameters
    ----------
    maps : mapping
        As `fit_block` gives them, each shape (lines, points).
    decision : float
        Level of detection in standard deviations at no line.
    own_noise : float
        Variance of a fitted area over the area, from the lines' own counts.
    share : float
        Least share of a weak line's area that the baseline leaves; the limit is divided by it.

    Notes
    -----
    The limit L solves L = decision s + `MISSED` sqrt(s^2 + own_noise L), s being the error of a sum
    of zero; with 1.645 for both levels this is Currie's.  Covariances between lines fitted together
    are left out; they are negative, so the errors are rather too large.  A strain is q_0 / q - 1,
    with q_0 the line's median over the map: a common shift of the axis cancels.

    References
    ----------
    .. [1] L. A. Currie, Anal. Chem. 40 (1968) 586, eq. 4 and 5.
    """
    used = list(phase.used)
    area = maps["area"][used].sum(axis=0)
    std = np.sqrt((maps["area_std"][used] ** 2).sum(axis=0))
    null = np.sqrt((maps["null_std"][used] ** 2).sum(axis=0))
    with np.errstate(invalid="ignore"):
        detected = area > decision * null
    points = len(area)
    top, bottom = np.zeros(points), np.zeros(points)
    for i in phase.own or phase.used:
        center, error = maps["center"][i], maps["center_std"][i]
        good = np.isfinite(center) & (error > 0)
        if np.count_nonzero(good) < 3:
            continue
        middle = float(np.median(center[good]))
        strain = middle / center[good] - 1
        weight = (center[good] ** 2 / (middle * error[good])) ** 2
        top[good] += weight * strain
        bottom[good] += weight
    # (L - d s)^2 = z^2 (s^2 + c L), the larger root
    half = decision * null + MISSED**2 * own_noise / 2
    limit = half + np.sqrt(half**2 - (decision**2 - MISSED**2) * null**2)
    there = bottom > 0
    safe = np.where(there, bottom, 1.0)
    return PhaseMap(
        area, std, null, limit / max(share, LEAST_LEFT), detected,
        np.where(there, top / safe, np.nan), np.where(there, safe**-0.5, np.nan),
    )  # fmt: skip
