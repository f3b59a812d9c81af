"""What a whole pattern is fitted with: weighed data, and a unit template of each phase."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.axes import q_to_two_theta
from consilience_xrd.identification.shift import shift_in_q
from consilience_xrd.lines.peaks import components_of
from consilience_xrd.lines.profiles import Components, pseudo_voigt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from consilience_xrd.identification.matching import Pairing
    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern
    from consilience_xrd.references.reference import ReferencePattern

__all__ = ["BACKGROUND", "LineShape", "Prepared", "Template", "prepare"]

MODEL_ERROR = 0.1
"""Share of the fitted pattern by which computed intensities and shapes may be off."""
BACKGROUND = 6
"""Chebyshev terms that stand for what the baseline left."""


@dataclass
class Template:
    """A phase with the relative change of its cell and the widths of its lines over the usual."""

    reference: ReferencePattern
    change: float = 0.0
    broader: float = 1.0


@dataclass(frozen=True)
class Prepared:
    """The data less the baseline, weights, and the unit templates of all phases."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    base: NDArray[np.float64]
    sigma: NDArray[np.float64]
    used: NDArray[np.bool_]
    data: NDArray[np.float64]
    shape: LineShape
    templates: list[Template]
    raw: NDArray[np.float64]
    basis: NDArray[np.float64]

    def project(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """What of weighted columns the background terms cannot make."""
        return np.asarray(columns - self.basis @ (self.basis.T @ columns))


def prepare(
    pattern: Pattern, fit: PeakFit, pairing: Pairing, phases: Sequence[str] | None
) -> Prepared | None:
    """Weigh the data and compute the templates; None where nothing can be fitted."""
    lam = pattern.source.wavelength if pattern.source else None
    used = np.isfinite(fit.model) & np.isfinite(fit.noise) & (fit.noise > 0)
    if np.count_nonzero(used) < 50 or (pattern.axis == "two_theta" and lam is None):
        return None
    x = pattern.x[used]
    base = fit.baseline.values[used]
    y = pattern.intensity[used] - base
    sigma = np.hypot(fit.noise[used], MODEL_ERROR * np.maximum(fit.model[used] - base, 0.0))
    shape = LineShape.of(pattern, fit, components_of(pattern.source))
    low, high = pairing.q_range
    templates = [
        Template(r, pairing.shift.scales.get(r.phase.key, (0.0, 0.0))[0])
        for r in pairing.references
        if (phases is None or r.phase.key in phases)
        and any(low <= line.q <= high and line.intensity >= 1 for line in r.lines)
    ]
    if not templates:
        return None
    t = 2 * (x - x[0]) / (x[-1] - x[0]) - 1
    terms = np.polynomial.chebyshev.chebvander(t, BACKGROUND - 1) / sigma[:, None]
    basis, _ = np.linalg.qr(terms)
    data = np.asarray(y / sigma - basis @ (basis.T @ (y / sigma)))
    raw = np.stack([shape.template(x, t_, pairing) for t_ in templates], axis=1)
    return Prepared(x, y, base, sigma, used, data, shape, templates, raw, basis)


@dataclass(frozen=True)
class LineShape:
    """Width over the axis and Lorentzian share, from the peaks found."""

    level: float
    slope: float
    eta: float
    components: Components
    in_angle: bool

    @staticmethod
    def of(pattern: Pattern, fit: PeakFit, components: Components) -> LineShape:
        """Straight line through the widths of clean peaks, and their median Lorentzian share."""
        clean = [p for p in fit.peaks if not {"broad", "unresolved", "at_edge"} & set(p.flags)]
        step = float(np.median(np.diff(pattern.x)))
        level = float(np.median([p.fwhm for p in clean])) if clean else fit.fwhm_points * step
        slope = 0.0
        if len(clean) >= 8:
            from scipy.stats import theilslopes

            slope = float(theilslopes([p.fwhm for p in clean], [p.center for p in clean])[0])
            middle = float(np.median([p.center for p in clean]))
            level -= slope * middle
        eta = float(np.median([p.eta for p in clean])) if clean else 0.5
        return LineShape(level, slope, eta, components, pattern.axis == "two_theta")

    def width(self, at: float, usual: float) -> float:
        """Full width at half maximum at a place of the axis, kept near the `usual` one."""
        return float(np.clip(self.level + self.slope * at, 0.4 * usual, 2.5 * usual))

    def template(
        self, x: NDArray[np.float64], template: Template, pairing: Pairing
    ) -> NDArray[np.float64]:
        """Unit-area lines times relative intensity / 100."""
        out = np.zeros_like(x)
        usual = self.level + self.slope * float(np.median(x))
        lines = [line for line in template.reference.lines if line.intensity >= 0.3]
        if not lines:
            return out
        q = np.array([line.q for line in lines])
        place = q * (1 + template.change) + shift_in_q(pairing.shift, q, pairing.wavelength)
        lam = pairing.wavelength
        at = q_to_two_theta(place, lam) if self.in_angle else place  # type: ignore[arg-type]
        # computed intensities are areas over 2theta; over q, d(q)/d(2theta) makes them smaller
        share = (
            np.ones_like(q)
            if self.in_angle or lam is None
            else np.cos(np.arcsin(np.clip(q * lam / (4 * np.pi), 0.0, 1.0)))
        )
        for line, center, part in zip(lines, at, share, strict=True):
            if not math.isfinite(center):
                continue
            fwhm = self.width(float(center), usual) * template.broader
            i, j = np.searchsorted(x, [center - 12 * fwhm, center + 12 * fwhm])
            if j > i:
                out[i:j] += (
                    part
                    * line.intensity
                    / 100
                    * pseudo_voigt(
                        x[i:j], float(center), fwhm, self.eta, self.components, self.in_angle
                    )
                )
        return out
