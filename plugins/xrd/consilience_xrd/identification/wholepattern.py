"""A second opinion on the phases: the whole pattern as a sum of reference patterns.

The matching of peaks asks where lines are; this asks what sum of computed patterns, each with a
scale that cannot be negative, comes nearest to the data.  Cells may change within their errors
and lines of each phase may be broader or narrower than the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.identification.wholetemplates import (
    BACKGROUND,
    LineShape,
    Template,
    prepare,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from consilience_xrd.identification.matching import Pairing
    from consilience_xrd.identification.results import PhaseResult
    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern

__all__ = [
    "WholePattern",
    "WholePhase",
    "disagreements",
    "fit_whole_pattern",
    "solve_scales",
]

TAKEN = 25.0
"""Loss of chi-square, in units of chi-square per degree of freedom, from which a phase counts."""
LEAST_SHARE = 0.01
"""Share of the summed areas from which a phase counts."""
MOST_REFINED = 6
MOST_CHANGE = 3.0
"""Most change of a cell, in its standard deviations."""
WIDEST = 0.9
"""Most log ratio of a phase's widths to those found; beyond, it would only fill the background."""


@dataclass(frozen=True)
class WholePhase:
    """What the whole-pattern fit says of one phase.

    Attributes
    ----------
    scale, scale_std : float
        Area of its line of relative intensity 100 (intensity times the unit of the axis), over q
        as it would be at small angles; the error holds that of the model.
    share : float
        Its part of all fitted areas.
    cell_change : float
        Relative change of the reference's cell.
    broader : float
        Width of its lines over that of the peaks found.
    gain : float
        What chi-square per degree of freedom times this number loses without the phase.
    taken : bool
        Whether the fit needs the phase; no where its lines would be as broad as is allowed,
        since then it stands for background.
    """

    phase: str
    scale: float
    scale_std: float
    share: float
    cell_change: float
    broader: float
    gain: float
    taken: bool


@dataclass(frozen=True)
class WholePattern:
    """All phases, and how well their sum fits: weighted residual as a share of the data."""

    phases: tuple[WholePhase, ...]
    r_weighted: float
    chi2: float
    chi2_reduced: float
    left: float
    covariance: NDArray[np.float64]
    model: NDArray[np.float64]

    def of(self, key: str) -> WholePhase | None:
        """The entry of a phase."""
        return next((p for p in self.phases if p.phase == key), None)


def fit_whole_pattern(
    pattern: Pattern, fit: PeakFit, pairing: Pairing, phases: Sequence[str] | None = None
) -> WholePattern | None:
    """Fit the data less the baseline by a non-negative sum of reference patterns.

    Parameters
    ----------
    phases : sequence of str, optional
        Keys of the phases in the sum; all references by default.

    Returns
    -------
    WholePattern or None
        None where nothing can be fitted: no line in range, or no wavelength for an angle axis.

    Notes
    -----
    Weights are 1 / (noise^2 + (0.1 model)^2), since texture, few grains and the simple profile
    make strong lines misfit by far more than counting.  Scales come from scipy's non-negative
    least squares on the orthogonal complement of `BACKGROUND` Chebyshev terms; cell and width of
    the strongest phases by a simplex, with the cell's standard deviation as prior.
    """
    made = prepare(pattern, fit, pairing, phases)
    if made is None:
        return None
    x, y, sigma, data, project = made.x, made.y, made.sigma, made.data, made.project
    templates, raw = made.templates, made.raw
    columns = project(raw / sigma[:, None])
    scales = solve_scales(columns, data)
    order = np.argsort(-scales * raw.sum(axis=0))
    for i in [int(k) for k in order[:MOST_REFINED] if scales[k] > 0]:
        _refine(i, templates, columns, raw, data, x, sigma, made.shape, pairing, project)
    scales = solve_scales(columns, data)
    return _summary(
        templates, columns, raw, data, sigma, y, scales, made.used, made.base, pattern, fit
    )


def solve_scales(columns: NDArray[np.float64], data: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-negative least squares, on the triangle of the columns' QR."""
    from scipy.optimize import nnls

    norm = np.sqrt((columns**2).sum(axis=0))
    norm = np.where(norm > 0, norm, 1.0)
    # the triangle holds all that the sums of squares need
    q, r = np.linalg.qr(columns / norm)
    answer, _ = nnls(r, q.T @ data, maxiter=50 * columns.shape[1])
    return np.asarray(answer / norm)


def _refine(
    i: int,
    templates: list[Template],
    columns: NDArray[np.float64],
    raw: NDArray[np.float64],
    data: NDArray[np.float64],
    x: NDArray[np.float64],
    sigma: NDArray[np.float64],
    shape: LineShape,
    pairing: Pairing,
    project: object,
) -> None:
    from scipy.optimize import minimize

    assert callable(project)
    one = templates[i]
    prior = max(one.reference.phase.cell_std)
    center = one.change
    others = np.delete(columns, i, axis=1)
    # what the other phases explain is taken from their present best scales
    chi2_red = max(
        float(np.sum((data - columns @ solve_scales(columns, data)) ** 2)) / len(data), 1.0
    )
    gram = others.T @ others
    right = others.T @ data

    def column(change: float, broader: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        made = shape.template(x, Template(one.reference, change, broader), pairing)
        return made, project(made / sigma)

    def values(v: NDArray[np.float64]) -> tuple[float, float]:
        # the whole change counts, with what the matching of peaks has used of it already
        change = float(np.clip(center + v[0] * prior, -MOST_CHANGE * prior, MOST_CHANGE * prior))
        return change, math.exp(float(np.clip(v[1], -WIDEST, WIDEST)))

    def cost(v: NDArray[np.float64]) -> float:
        _, made = column(*values(v))
        norm = float(made @ made)
        if norm <= 0:
            return 1e12
        full = np.block([[gram, (others.T @ made)[:, None]], [(made @ others)[None, :], norm]])
        target = np.append(right, made @ data)
        scales = _solve_gram(full, target)
        chi2 = float(data @ data - 2 * scales @ target + scales @ full @ scales)
        return chi2 / chi2_red + (center / prior + float(v[0])) ** 2 + (float(v[1]) / 0.35) ** 2

    starts = [cost(np.array([d, 0.0])) for d in np.linspace(-2, 2, 9)]
    first = float(np.linspace(-2, 2, 9)[int(np.argmin(starts))])
    simplex = np.array([[first, 0.0], [first + 0.4, 0.0], [first, 0.3]])
    found = minimize(
        cost, [first, 0.0], method="Nelder-Mead",
        options={"maxfev": 40, "xatol": 0.01, "fatol": 0.1, "initial_simplex": simplex},
    )  # fmt: skip
    one.change, one.broader = values(found.x)
    raw[:, i], columns[:, i] = column(one.change, one.broader)


def _solve_gram(gram: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-negative least squares from the normal equations."""
    from scipy.optimize import nnls

    size = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    scaled = gram / size[:, None] / size[None, :]
    root = np.linalg.cholesky(scaled + 1e-10 * np.eye(len(scaled)))
    answer, _ = nnls(root.T, np.linalg.solve(root, right / size), maxiter=50 * len(size))
    return np.asarray(answer / size)


def _summary(
    templates: list[Template],
    columns: NDArray[np.float64],
    raw: NDArray[np.float64],
    data: NDArray[np.float64],
    sigma: NDArray[np.float64],
    y: NDArray[np.float64],
    scales: NDArray[np.float64],
    used: NDArray[np.bool_],
    base: NDArray[np.float64],
    pattern: Pattern,
    fit: PeakFit,
) -> WholePattern:
    residual = data - columns @ scales
    chi2 = float(residual @ residual)
    dof = max(len(data) - int(np.count_nonzero(scales)) - BACKGROUND, 1)
    reduced = chi2 / dof
    step = np.gradient(pattern.x[used])
    amount = (raw * step[:, None]).sum(axis=0)
    total = float(np.sum(scales * amount))
    active = scales > 0
    covariance = np.zeros((len(scales), len(scales)))
    inner = np.linalg.pinv(columns[:, active].T @ columns[:, active]) * max(reduced, 1.0)
    covariance[np.ix_(active, active)] = inner
    out = []
    for i, one in enumerate(templates):
        gain = 0.0
        if active[i]:
            without = np.delete(columns, i, axis=1)
            rest = data - without @ solve_scales(without, data) if without.shape[1] else data
            gain = (float(rest @ rest) - chi2) / max(reduced, 1.0)
        std = math.sqrt(max(covariance[i, i], 0.0))
        share = float(scales[i] * amount[i] / total) if total > 0 else 0.0
        out.append(
            WholePhase(
                one.reference.phase.key, float(scales[i]), std, share, one.change, one.broader,
                gain, bool(gain > TAKEN and share > LEAST_SHARE and scales[i] > 3 * std)
                and abs(math.log(one.broader)) < 0.95 * WIDEST,
            )
        )  # fmt: skip
    model = np.full(len(pattern.x), np.nan)
    model[used] = base + raw @ scales
    weight = 1 / sigma**2
    r_weighted = math.sqrt(
        float(np.sum(weight * (y - raw @ scales) ** 2) / max(np.sum(weight * y**2), 1e-300))
    )
    found = np.maximum(fit.model[used] - base, 0.0)
    left = float(
        np.sum(np.maximum(found - raw @ scales, 0.0) * step) / max(np.sum(found * step), 1e-300)
    )
    return WholePattern(tuple(out), r_weighted, chi2, reduced, left, covariance, model)


def disagreements(whole: WholePattern, results: Sequence[PhaseResult]) -> dict[str, str]:
    """Say for which phases the two opinions differ, and how."""
    out: dict[str, str] = {}
    for result in results:
        other = whole.of(result.phase)
        if other is None:
            continue
        said = f"{other.share:.1%} of the fitted areas, gain {other.gain:.0f}"
        if result.status == "present" and not other.taken:
            out[result.phase] = (
                f"the peaks say present, a fit of the whole pattern does not need it ({said})"
            )
        elif result.status == "absent_below_limit" and other.taken:
            out[result.phase] = f"the peaks say absent, a fit of the whole pattern uses it ({said})"
        elif result.status is None and other.taken:
            out[result.phase] = (
                f"the peaks do not establish it, a fit of the whole pattern uses it ({said})"
            )
    return out
