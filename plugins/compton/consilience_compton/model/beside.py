"""The free-atom model beside a measured ratio: what it expects, and how far apart the two are.

Measured and computed are printed side by side.  Nothing is scaled to make them meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from consilience_compton.model.calibration import Calibration, plain_line
from consilience_compton.model.profiles import (
    HIGH,
    LOW,
    ModelRatio,
    Window,
    composition_at,
    free_atom_emr,
    ratio_of_windows,
)

__all__ = ["INTENSIVE", "ModelLine", "apart", "model_line", "straightness"]

INTENSIVE = (
    "EMR is a ratio within one spectrum: it does not grow with the amount of a material, so a "
    "pure material has one EMR, whatever its thickness"
)
FAR = 3.0
"""Standard deviations of the interpolation from which on measurement and model are apart."""


@dataclass(frozen=True)
class ModelLine:
    """The model's EMR on x, as a straight line between two x.

    Parameters
    ----------
    intercept, slope : float
        EMR = intercept + slope · x.
    """

    intercept: float
    slope: float


def model_line(
    formula: str,
    fwhm: float,
    low: Sequence[Window] = LOW,
    high: Sequence[Window] = HIGH,
    span: tuple[float, float] = (0.2, 1.0),
) -> ModelLine:
    """Return the model's EMR between two x, which is straight to 1 % of its rise."""
    first, last = (ratio_of_windows(composition_at(formula, x), low, high, fwhm) for x in span)
    slope = (last - first) / (span[1] - span[0])
    return ModelLine(first - slope * span[0], slope)


@lru_cache(maxsize=16)
def _curve(
    formula: str, fwhm: float, low: tuple[Window, ...], high: tuple[Window, ...]
) -> tuple[float, ...]:
    """EMR of the model as a cubic in x, which it is to 1e-6 from 0 to 1.2."""
    xs = np.linspace(0.0, 1.2, 7)
    emr = [ratio_of_windows(composition_at(formula, float(x)), low, high, fwhm) for x in xs]
    return tuple(np.polynomial.polynomial.polyfit(xs, emr, 3).tolist())


def straightness(
    points: Sequence[float],
    x: float,
    formula: str,
    fwhm: float,
    low: Sequence[Window] = LOW,
    high: Sequence[Window] = HIGH,
) -> float:
    """Return by how much a straight line through the points misses x, by the model.

    The ratio bends as lithium is added, also to the denominator; a line through points at the x of
    `points` then gives another x in between.

    Parameters
    ----------
    points : sequence of float
        x of the calibration.
    x : float
        Where it is asked; below 0 the value at 0 is returned.
    """
    if "Lix" not in formula:
        return 0.0
    curve = _curve(formula, round(fwhm, 4), tuple(low), tuple(high))
    known = np.asarray(points, dtype=np.float64)
    emr = np.asarray(np.polynomial.polynomial.polyval(known, curve), dtype=np.float64)
    intercept, slope = plain_line(emr, known)
    at = max(0.0, x)
    return float(intercept + slope * np.polynomial.polynomial.polyval(at, curve) - at)


def apart(
    points: Sequence[tuple[float, float | None]],
    formula: str,
    fwhm: float,
    calibration: Calibration | None = None,
    low: Sequence[Window] = LOW,
    high: Sequence[Window] = HIGH,
    states: Sequence[str] = (),
) -> tuple[list[ModelRatio | None], list[str]]:
    """Return the model's ratio for each measured one, and sentences on what does not fit.

    Parameters
    ----------
    points : sequence of (EMR, x)
        x None where it is not known; the model then has no value, unless the formula has no x.
    formula : str
    fwhm : float
        a.u.
    calibration : Calibration, optional
        x on EMR, as measured.
    states : sequence of str, optional
        What the points are called: the sentence names the one that is farthest off.

    Returns
    -------
    (list of ModelRatio or None, list of str)
    """
    fixed = "Lix" not in formula
    models: list[ModelRatio | None] = []
    for _, x in points:
        known = fixed or x is not None
        models.append(
            free_atom_emr(composition_at(formula, x or 0.0), fwhm, low, high) if known else None
        )
    said = []
    far = [
        (emr, model, states[i] if i < len(states) else "")
        for i, ((emr, _), model) in enumerate(zip(points, models, strict=True))
        if model is not None and abs(emr - model.value) > FAR * model.std_interpolation
    ]
    if far:
        emr, model, state = max(far, key=lambda one: abs(one[0] - one[1].value))
        where = f" ({state})" if state else ""
        said.append(
            f"free atoms of {formula} have EMR {model.value:.3f} ± {model.std_interpolation:.3f} "
            f"(resolution {fwhm:.3g} a.u., error of the interpolation) where {emr:.3g} is "
            f"found{where}"
        )
    if fixed:
        values = [emr for emr, _ in points]
        if len(values) > 1 and far and max(values) > 1.02 * min(values):
            said.append(
                f"{formula} has one EMR; from {min(values):.3g} to {max(values):.3g} it cannot "
                f"go. {INTENSIVE}"
            )
        return models, said
    line = model_line(formula, fwhm, low, high)
    if calibration is not None and calibration.slope:
        measured = 1.0 / calibration.slope
        at_zero = -calibration.intercept / calibration.slope
        factor = measured / line.slope
        if not 0.5 < factor < 2.0:
            said.append(
                f"EMR rises by {measured:.3f} for each lithium as measured, by {line.slope:.4f} "
                f"in the model: a factor of {factor:.1f}"
            )
        if abs(at_zero - line.intercept) > FAR * 0.01 * line.intercept:
            said.append(
                f"without lithium EMR would be {at_zero:.3f} by the calibration, "
                f"{line.intercept:.3f} by the model: the measured EMR is "
                "not the plain ratio of windows, and the calibration is empirical"
            )
    return models, said
