"""What counts of lines owe to things that counting does not know: ratios, axis, background."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consilience_xrf.fitting.background import SPACING, WINDOW, fitted_background
from consilience_xrf.fitting.design import Design, family_column
from consilience_xrf.fitting.tail import TAIL, TAIL_WIDTH
from consilience_xrf.lines.calibration import Calibration
from consilience_xrf.lines.elements import Family
from consilience_xrf.lines.response import channel_edges

__all__ = ["PARTS", "RATIO_STD", "SystematicErrors", "systematic_errors"]

Array = NDArray[np.float64]

PARTS = ("line_ratios", "energy_axis", "line_shape", "background", "misfit")

RATIO_STD = {"K": 0.03, "L": 0.10, "M": 0.20}
"""Relative standard deviation of tabulated ratios of lines in a family: of β to α (K), of the
lines of L₁ and L₂ to those of L₃, of all others to those of M₅."""
FIRST = {"K": ("KL",), "L": ("L3",), "M": ("M5",)}
UNKNOWN_PLACE, UNKNOWN_WIDTH = 0.03, 0.02
"""Of a line's width: standard deviation of its place and of its width where nothing was fitted."""
OTHER_DECAY = 1.0 / 3.0
"""By which the decay of a fitted tail may be another."""
OTHER_BACKGROUNDS = ((1.0, 1.7), (0.6, 1.3))
"""Factors on the window of SNIP and on the spacing of knots."""


@dataclass(frozen=True)
class SystematicErrors:
    """Standard deviations by part, each (columns,), counts of the summed spectrum.

    `joint` is the covariance of line ratios and energy axis together, (columns, columns).
    """

    parts: dict[str, Array]
    joint: Array

    @property
    def total(self) -> Array:
        """All parts in quadrature."""
        return np.asarray(np.sqrt(sum(part**2 for part in self.parts.values())))


def systematic_errors(
    design: Design,
    total: Array,
    amounts: Array,
    calibration: Calibration | None,
    tail_std: float | None = None,
    under: Array | None = None,
) -> SystematicErrors:
    """Return what line ratios, axis, background and misfit may have done to the amounts.

    Parameters
    ----------
    design : Design
        With all columns of the fit.
    total : ndarray, shape (channels,)
    amounts : ndarray, shape (columns,)
        Fitted counts of that spectrum.
    calibration : Calibration or None
        None: place and width of lines are taken as known to `UNKNOWN_PLACE`, `UNKNOWN_WIDTH`.
    tail_std : float, optional
        Of the share of lines in a tail that was fitted; None: none was, and there may be one.
    under : ndarray, shape (channels,), optional
        Background by SNIP that was subtracted; None: it is among the columns.
    """
    base = np.zeros(total.size) if under is None else under
    model = np.maximum(design.matrix @ amounts + base, 0.0)
    floor = np.maximum(model, 1e-3 * max(float(model.mean()), 1e-9))
    weighted = design.matrix / floor[:, None]
    hat = np.linalg.pinv(weighted.T @ design.matrix, hermitian=True) @ weighted.T
    by_ratio = _ratios(design, amounts, hat)
    by_axis = _axis(design, amounts, hat, calibration)
    joint = by_ratio @ by_ratio.T + by_axis @ by_axis.T
    parts = {
        "line_ratios": np.sqrt(np.einsum("ij,ij->i", by_ratio, by_ratio)),
        "energy_axis": np.sqrt(np.einsum("ij,ij->i", by_axis, by_axis)),
        "line_shape": _tail(design, amounts, hat, tail_std),
        "background": _background(design, total, floor, hat, under),
        "misfit": _misfit(total, model, floor, hat),
    }
    return SystematicErrors(parts, joint)


def _misfit(total: Array, model: Array, floor: Array, hat: Array) -> Array:
    """What residuals have beyond counting, channel by channel, where a column is measured."""
    second = hat**2
    beyond = second @ ((total - model) ** 2 - floor)
    return np.asarray(np.sqrt(np.maximum(beyond, 0.0)))


def _ratios(design: Design, amounts: Array, hat: Array) -> Array:
    """Change of all amounts with one standard deviation of each ratio, (columns, ratios)."""
    edges = channel_edges(design.energy)
    moved = []
    for j, family in enumerate(design.families):
        if amounts[j] <= 0:
            continue
        for other in _varied(family):
            column = family_column(other, edges, design.response, design.geometry)
            moved.append(-hat @ ((column - design.matrix[:, j]) * amounts[j]))
    return np.stack(moved, axis=1) if moved else np.zeros((hat.shape[0], 0))


def _varied(family: Family) -> list[Family]:
    """Return the family with each of its ratios one standard deviation higher."""
    groups = {"K": ("other",), "L": ("L1", "L2"), "M": ("other",)}[family.shell]
    made = []
    for group in groups:
        first = FIRST[family.shell]
        inside = np.array(
            [
                not line.startswith(first) if group == "other" else line.startswith(group)
                for line in family.lines
            ]
        )
        if inside.any() and not inside.all():
            weights = family.weights * np.where(inside, 1.0 + RATIO_STD[family.shell], 1.0)
            made.append(replace(family, weights=weights / weights.sum()))
    return made


def _axis(design: Design, amounts: Array, hat: Array, calibration: Calibration | None) -> Array:
    """Change of all amounts with place and width of lines, (columns, parameters)."""
    used = [j for j in range(len(design.families)) if amounts[j] > 0]
    response, energy = design.response, design.energy

    def lines(axis: Array, noise: float) -> Array:
        edges = channel_edges(axis)
        own = replace(response, noise=noise)
        return np.asarray(
            sum(
                (
                    amounts[j] * family_column(design.families[j], edges, own, design.geometry)
                    for j in used
                ),
                np.zeros(axis.size),
            )
        )

    base = lines(energy, response.noise)
    width = response.fwhm(float(energy[energy.size // 2]))
    if calibration is None:
        place, wider = UNKNOWN_PLACE * width, UNKNOWN_WIDTH * width
        noise = float(np.sqrt(response.noise**2 + 2.0 * width * wider))
        moved = [lines(energy + place, response.noise) - base, lines(energy, noise) - base]
        return -hat @ np.stack(moved, axis=1)
    gain = float(energy[-1] - energy[0]) / (energy.size - 1)
    channel = (energy - calibration.zero) / calibration.gain
    slopes = []
    for name in calibration.names:
        if name == "zero":
            step = 0.1 * gain
            slopes.append((lines(energy + step, response.noise) - base) / step)
        elif name == "gain":
            step = 0.1 * gain / energy.size
            slopes.append((lines(energy + step * channel, response.noise) - base) / step)
        elif name == "noise":
            step = max(0.02 * response.noise, 1e-4)
            slopes.append((lines(energy, response.noise + step) - base) / step)
        else:
            slopes.append(np.zeros(energy.size))  # Fano's factor moves lines as the noise does
    values, vectors = np.linalg.eigh(calibration.covariance)
    roots = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(-hat @ np.stack(slopes, axis=1) @ roots)


def _tail(design: Design, amounts: Array, hat: Array, std: float | None) -> Array:
    """Change of all amounts with the tail, the Gaussian part of each line being what it is."""
    now = design.response
    if std is None:
        # a tail that is given is taken as it is
        others = [] if now.tail > 0 else [replace(now, tail=TAIL, tail_width=TAIL_WIDTH)]
    else:
        decay = now.tail_width * (1.0 + OTHER_DECAY)
        others = [replace(now, tail=now.tail + std), replace(now, tail_width=decay)]
    edges = channel_edges(design.energy)
    made = np.zeros(hat.shape[0])
    for other in others:
        more = np.zeros(design.energy.size)
        for j, family in enumerate(design.families):
            if amounts[j] > 0:
                column = family_column(family, edges, other, design.geometry)
                more += amounts[j] * (column - design.matrix[:, j])
        made += (hat @ more) ** 2
    return np.asarray(np.sqrt(made))


def _background(
    design: Design, total: Array, floor: Array, hat: Array, under: Array | None
) -> Array:
    """Root mean square of what other splines on other first shapes would give.

    The same splines tell what SNIP alone, which lies too high among lines, has done.
    All without the bound at 0: of an element that is not there, both fits would else say 0, as if
    its background were known.
    """
    lines = [i for i, name in enumerate(design.names) if not name.startswith("background")]
    size = design.matrix.shape[1]
    away = np.zeros((len(OTHER_BACKGROUNDS), size))
    if len(lines) == size and under is None:
        return np.zeros(size)
    matrix, now = design.matrix[:, lines], hat @ (total if under is None else total - under)
    for k, (window, spacing) in enumerate(OTHER_BACKGROUNDS):
        _, columns, _ = fitted_background(
            design.energy,
            total,
            matrix,
            design.response,
            window=WINDOW * window,
            spacing=SPACING * spacing,
        )
        whole = np.hstack([matrix, columns])
        weighted = whole / floor[:, None]
        other = np.linalg.pinv(weighted.T @ whole, hermitian=True) @ (weighted.T @ total)
        away[k, lines] = other[: len(lines)] - now[lines]
    return np.asarray(np.sqrt(np.mean(away**2, axis=0)))
