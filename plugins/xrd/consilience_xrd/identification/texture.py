"""Areas of a phase's lines against computed ones, as they are and allowing for texture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.references.intensity import march_dollase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from consilience_xrd.identification.matching import Pairing
    from consilience_xrd.references.phases import PhaseCell
    from consilience_xrd.references.reference import ReferencePattern

__all__ = ["Agreement", "Texture", "agreement_of", "own_areas"]

B_ISO = 0.6
"""Thermal parameter of all atoms [angstrom^2], about that of a hard solid at room temperature."""
LEAST_LINES = 4
"""Fewer groups of lines cannot tell texture from wrong intensities."""
LEAST_GAIN = 0.5
"""Share of the scatter that a texture has to leave at most, to be believed."""
RANGE = tuple(float(r) for r in np.geomspace(0.25, 4.0, 61))


@dataclass(frozen=True)
class Texture:
    """A March-Dollase texture: normal of the preferred plane, and r (1: random)."""

    axis: tuple[int, int, int]
    r: float

    @property
    def sentence(self) -> str:
        """In words."""
        kind = "plates along" if self.r < 1 else "needles or columns along"
        return f"texture of {kind} {''.join(map(str, self.axis))}, March-Dollase r = {self.r:.2f}"


@dataclass(frozen=True)
class Agreement:
    """How well the areas of a phase's lines keep the computed ratios.

    Attributes
    ----------
    plain, allowed : float
        exp(-rms log ratio) without and with texture; 1 is perfect.
    scale : float
        Area per unit of relative intensity, a median.
    scatter : float
        Rms of the log ratios that is left without texture.
    lines : int
        Peaks that it rests on.
    texture : Texture or None
        The texture that explains most of the scatter; None where none does, or too few lines.
    """

    plain: float
    allowed: float
    scale: float
    scatter: float
    lines: int
    texture: Texture | None


def agreement_of(
    reference: ReferencePattern, areas: Sequence[tuple[Sequence[int], float]]
) -> Agreement | None:
    """Compare areas with computed intensities.

    Parameters
    ----------
    areas : sequence of (line indices, area)
        For each peak, the lines of the phase that fall on it and the area that is the phase's.

    Returns
    -------
    Agreement or None
        None with fewer than two peaks of known positive area.
    """
    known = [(list(lines), a) for lines, a in areas if lines and math.isfinite(a) and a > 0]
    if len(known) < 2:
        return None
    q = np.array([line.q for line in reference.lines])
    relative = np.array([line.intensity for line in reference.lines])
    relative = relative * np.exp(-2 * B_ISO * (q / (4 * np.pi)) ** 2)
    area = np.array([a for _, a in known])
    belongs = np.zeros((len(relative), len(known)))
    for column, (lines, _) in enumerate(known):
        belongs[lines, column] = 1.0

    # weak lines are computed worse and overlap more
    weight = np.sqrt(relative @ belongs)
    weight = weight / weight.sum()

    def scatter(factors: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        expected = np.maximum((factors * relative) @ belongs, 1e-12)
        log = np.log(area / expected)
        middle = _weighted_median(log, weight)
        # one line under another phase's must not decide
        square = np.minimum((log - middle[:, None]) ** 2, 9.0)
        return np.sqrt(square @ weight), np.exp(middle)

    first, scales = scatter(np.ones((1, len(relative))))
    plain, scale = float(first[0]), float(scales[0])
    best, texture = plain, None
    if len(known) >= LEAST_LINES and plain > 0.05:
        for axis in _axes(reference.phase):
            got, _ = scatter(march_dollase(reference, axis, RANGE))
            lowest = int(np.argmin(got))
            if got[lowest] < best:
                best, texture = float(got[lowest]), Texture(axis, RANGE[lowest])
    # two parameters always help a little; only a real gain is a texture
    spare = len(known) - 2
    corrected = best * math.sqrt(len(known) / spare) if spare > 0 else plain
    if texture is not None and corrected > LEAST_GAIN * plain:
        texture, corrected = None, plain
    return Agreement(
        math.exp(-plain), math.exp(-min(corrected, plain)), scale, plain, len(known), texture
    )


def _weighted_median(
    values: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weighted median of each row."""
    order = np.argsort(values, axis=1)
    run = np.cumsum(weight[order], axis=1)
    at = np.argmax(run >= 0.5 * run[:, -1:], axis=1)
    rows = np.arange(len(values))
    return np.asarray(values[rows, order[rows, at]])


def own_areas(
    pairing: Pairing, reference: ReferencePattern, present: Sequence[str]
) -> list[tuple[list[int], float]]:
    """Peaks that a phase has for itself, with all its lines under each.

    Parameters
    ----------
    present : sequence of str
        Phases whose lines could share a peak; lines of relative intensity below 3 are left out.

    Returns
    -------
    list of (line indices, area)
        As `agreement_of` takes them.
    """
    key = reference.phase.key
    q = np.array([pairing.place(reference, line)[0] for line in reference.lines])
    out: list[tuple[list[int], float]] = []
    taken: set[int] = set()
    for matched in pairing.peaks:
        peak = matched.peak
        if {"broad", "at_edge", "unresolved"} & set(peak.flags):
            continue
        within = [c for c in matched.candidates if c.within and c.line.intensity >= 3]
        if not any(c.phase == key for c in within):
            continue
        if any(c.phase != key and c.phase in present for c in within):
            continue
        mine = {c.line.hkl for c in within if c.phase == key}
        lines = [
            i
            for i, line in enumerate(reference.lines)
            if i not in taken and (line.hkl in mine or abs(q[i] - peak.q) < 0.7 * peak.fwhm)
        ]
        if lines:
            taken.update(lines)
            out.append((lines, peak.area))
    return out


@lru_cache(maxsize=256)
def _axes(phase: PhaseCell) -> tuple[tuple[int, int, int], ...]:
    """Low-index planes, one of each family of the lattice, by their spacing."""
    lattice = np.asarray(phase.structure().lattice.reciprocal_lattice.matrix)
    seen: dict[tuple[int, ...], tuple[int, int, int]] = {}
    for h, k, i in product((-1, 0, 1), repeat=3):
        if (h, k, i) <= (0, 0, 0):
            continue
        q = float(np.linalg.norm(np.array((h, k, i)) @ lattice))
        name = tuple(sorted((abs(h), abs(k), abs(i)))) if phase.cubic else (round(q * 1e4),)
        if name not in seen or (h < 0) + (k < 0) + (i < 0) < sum(v < 0 for v in seen[name]):
            seen[name] = (h, k, i)
    return tuple(seen.values())
