"""A common shift of all lines: zero error or displacement of the sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from consilience_xrd.axes import q_derivative, q_to_two_theta

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from consilience_xrd.identification.matching import ObservedPeak
    from consilience_xrd.references.reference import ReferencePattern

__all__ = ["Shift", "ShiftModel", "fit_shift", "shift_in_q", "shift_law"]

ShiftModel = Literal["none", "zero", "displacement"]


@dataclass(frozen=True)
class Shift:
    """A fitted shift: amount added to the reference's 2theta [deg], or to q where no wavelength.

    Attributes
    ----------
    model : {"none", "zero", "displacement"}
        displacement: amount x cos(theta), for a flat sample in Bragg-Brentano geometry.
    amount, std : float
        In `unit`; std is None where nothing could be fitted.
    pairs : int
        Number of peak-line pairs that it rests on.
    scales : dict
        Fitted relative change of each phase's cell, with its standard deviation.
    applied : bool
        Whether the correction is switched on; `used` says whether the matching used it.
    """

    model: ShiftModel
    amount: float
    std: float | None
    unit: str
    pairs: int
    scales: dict[str, tuple[float, float]]
    applied: bool

    @property
    def significant(self) -> bool:
        """Whether the lines are displaced by more than three standard deviations."""
        return self.std is not None and abs(self.amount) > 3 * self.std and self.pairs >= 4

    @property
    def used(self) -> bool:
        """Whether places of lines were moved by it: switched on, and significant.

        One that is not significant keeps its fitted amount, moves nothing, and its error
        still widens the tolerance.
        """
        return self.applied and self.significant

    def sentence(self) -> str:
        """The shift in words."""
        if self.std is None or self.pairs == 0:
            return "no common shift of the lines could be fitted"
        law = {"displacement": " × cos θ", "zero": "", "none": ""}[self.model]
        unit = "°" if self.unit == "deg" else f" {self.unit}"
        what = f"{self.amount:+.4f} ± {self.std:.4f}{unit}{law} from {self.pairs} lines"
        if not self.significant:
            return f"no significant common shift: {what}"
        name = "displacement of the sample" if self.model == "displacement" else "zero shift"
        if self.applied:
            return f"all lines are shifted; corrected for a {name} of {what}"
        return f"the lines are shifted by {what} and the correction is switched off"


def shift_law(
    q: NDArray[np.float64], wavelength: float | None, model: ShiftModel
) -> NDArray[np.float64]:
    """Dq per unit of shift, at `q`: [1/angstrom per deg], or 1 where no wavelength is known."""
    if wavelength is None:
        return np.ones_like(q)
    angle = q_to_two_theta(q, wavelength)
    law = q_derivative(angle, wavelength)
    if model == "displacement":
        law = law * np.cos(np.radians(angle) / 2)
    return np.where(np.isfinite(law), law, 0.0)


def shift_in_q(
    shift: Shift, q: NDArray[np.float64], wavelength: float | None
) -> NDArray[np.float64]:
    """What the shift adds to the reference's q, zero where it is not used."""
    if not shift.used or shift.model == "none":
        return np.zeros_like(q)
    return shift.amount * shift_law(q, wavelength, shift.model)


def fit_shift(
    peaks: Sequence[ObservedPeak],
    references: Sequence[ReferencePattern],
    wavelength: float | None,
    model: ShiftModel,
    limit: float,
    apply: bool,
) -> Shift:
    """Scan the shift, then refine it by weighted least squares.

    Parameters
    ----------
    limit : float
        Largest shift considered, in deg (1/angstrom where no wavelength is known).

    Notes
    -----
    The scan adds up, for each shift, what share of each phase's strong lines meets a peak, so
    that phases that are not there cancel.  The refinement fits the shift and one relative cell
    change for each supported phase, with the cell's standard deviation as its prior: a wrong cell
    is thus not taken for a displacement, and the shift's error says how far both can be told
    apart.  The errors are multiplied by the square root of chi-square per degree of freedom
    where that is above 1; a peak of unknown area weighs as much as the median one.
    """
    unit = "1/angstrom" if wavelength is None else "deg"
    none = Shift(model, 0.0, None, unit, 0, {}, False)
    solid = [p for p in peaks if not {"broad", "at_edge"} & set(p.flags)]
    # a loosely known cell fits almost anywhere and says nothing of a shift
    usable = [r for r in references if max(r.phase.cell_std) < 0.003]
    if len(solid) < 3 or not usable:
        return none
    q = np.array([p.q for p in solid])
    err = np.array([p.std for p in solid])
    area = _areas(solid)
    weight = np.sqrt(area)
    weight = weight / max(weight.max(), 1e-300)
    per_deg = float(np.median(shift_law(q, wavelength, model)))
    grid = np.arange(-limit, limit + 1e-12, max(float(np.median(err)) / per_deg, limit / 400))
    # zero first: an equally good smaller shift wins
    strong = [(*_strong(r), shift_law(_strong(r)[0], wavelength, model)) for r in usable]
    scores = np.array([_score(s, q, err, weight, strong) for s in grid])
    scores = scores - 0.02 * scores.max() * (np.abs(grid) / limit)
    best = float(grid[int(np.argmax(scores))])
    shift, std, pairs = best, None, 0
    scales: dict[str, tuple[float, float]] = {}
    width = np.array([p.fwhm for p in solid])
    explained = 0.0
    for _ in range(4):
        got = _refine(shift, q, err, width, area, usable, wavelength, model)
        if got is None:
            break
        shift, std, pairs, scales, explained = got
    # phases that explain little of the pattern say nothing of its shift
    if std is None or explained < 0.5:
        return none
    return Shift(model, shift, std, unit, pairs, scales, apply and model != "none")


def _areas(peaks: Sequence[ObservedPeak]) -> NDArray[np.float64]:
    """Areas as weights; an unknown one counts as the median of the known, or 1 without any."""
    area = np.array([p.area for p in peaks], dtype=np.float64)
    known = np.isfinite(area)
    usual = float(np.median(np.maximum(area[known], 0.0))) if known.any() else 1.0
    return np.where(known, np.maximum(area, 0.0), usual if usual > 0 else 1.0)


def _strong(reference: ReferencePattern) -> tuple[NDArray[np.float64], ...]:
    lines = [line for line in reference.lines if line.intensity >= 10]
    return (
        np.array([line.q for line in lines]),
        np.array([line.intensity for line in lines]),
        np.array([line.q_std for line in lines]),
    )


def _score(
    shift: float,
    q: NDArray[np.float64],
    err: NDArray[np.float64],
    weight: NDArray[np.float64],
    strong: Sequence[tuple[NDArray[np.float64], ...]],
) -> float:
    total = np.zeros(len(q))
    for lq, li, ls, law in strong:
        if not len(lq):
            continue
        place = lq + shift * law
        delta = q[:, None] - place[None, :]
        width = np.hypot(1.5 * err[:, None], np.minimum(ls, 0.004)[None, :])
        near = np.exp(-0.5 * (delta / width) ** 2)
        found = float(np.sum(li * near.max(axis=0)) / li.sum())
        total = np.maximum(total, found**2 * near.max(axis=1) * min(len(lq), 6) ** 0.5)
    return float(np.sum(weight * total))


def _refine(
    shift: float,
    q: NDArray[np.float64],
    err: NDArray[np.float64],
    fwhm: NDArray[np.float64],
    area: NDArray[np.float64],
    references: Sequence[ReferencePattern],
    wavelength: float | None,
    model: ShiftModel,
) -> tuple[float, float, int, dict[str, tuple[float, float]], float] | None:
    rows: list[tuple[float, float, float, int]] = []  # residual, law, std, phase; with q
    places: list[float] = []
    supported: list[ReferencePattern] = []
    taken: set[int] = set()
    law_at = shift_law(q, wavelength, model)
    for reference in references:
        lq, li, ls = _strong(reference)
        if not len(lq):
            continue
        place = lq + shift * shift_law(lq, wavelength, model)
        delta = q[:, None] - place[None, :]
        width = np.hypot(3 * err[:, None], 2 * ls[None, :])
        near = np.abs(delta) < width
        met: NDArray[np.bool_] = np.asarray(near.any(axis=0))
        inside = (place > q.min() - 0.05) & (place < q.max() + 0.05)
        buried = ~met & np.asarray((np.abs(delta) < fwhm[:, None]).any(axis=0))
        counted = inside & ~buried
        if not counted.any() or (met & inside).sum() < 3:
            continue
        share = float(li[met & counted].sum() / li[counted].sum())
        if share < 0.75 or not (met | buried)[int(np.argmax(np.where(inside, li, 0)))]:
            continue
        number = len(supported)
        supported.append(reference)
        for j in range(len(lq)):
            if not near[:, j].any():
                continue
            i = int(np.argmin(np.abs(delta[:, j])))
            # only lines that have the peak for themselves
            own = np.abs(place - q[i]) < 2.5 * err[i]
            if own.sum() > 1 and li[own].max() > li[j]:
                continue
            taken.add(i)
            rows.append((float(q[i] - lq[j]), float(law_at[i]), float(err[i]), number))
            places.append(float(lq[j]))
    if len(rows) < 3:
        return None
    n = len(supported)
    matrix: NDArray[np.float64] = np.zeros((len(rows) + n, 1 + n))
    right = np.zeros(len(rows) + n)
    robust = np.ones(len(rows))
    answer = np.zeros(1 + n)
    covariance: NDArray[Any] = np.eye(1 + n)
    for _ in range(4):
        for i, (residual, law, std, phase) in enumerate(rows):
            w = robust[i] / std
            matrix[i, 0] = law * w
            matrix[i, 1 + phase] = places[i] * w
            right[i] = residual * w
        for k, reference in enumerate(supported):
            prior = max(reference.phase.cell_std)
            matrix[len(rows) + k, 1 + k] = 1 / prior
        normal = matrix.T @ matrix
        covariance = np.linalg.pinv(normal)
        answer = covariance @ (matrix.T @ right)
        pull = np.array(
            [
                (r - law * answer[0] - places[i] * answer[1 + phase]) / std
                for i, (r, law, std, phase) in enumerate(rows)
            ]
        )
        robust = 1 / np.sqrt(1 + (pull / 2) ** 2)  # Cauchy weights: one wrong pair cannot pull
    # the priors hold back the cells: what the lines alone determine is the trace of their part
    lines = matrix[: len(rows)]
    used = float(np.trace(covariance @ (lines.T @ lines)))
    chi2 = float(np.sum(pull**2)) / max(len(rows) - used, 1.0)
    covariance = covariance * max(chi2, 1.0)
    scales = {
        reference.phase.key: (float(answer[1 + k]), math.sqrt(float(covariance[1 + k, 1 + k])))
        for k, reference in enumerate(supported)
    }
    explained = float(area[sorted(taken)].sum() / max(area.sum(), 1e-300))
    return float(answer[0]), math.sqrt(float(covariance[0, 0])), len(rows), scales, explained
