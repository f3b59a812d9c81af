"""All patterns of a block at once: baseline, line areas with limits, and where and how wide.

Areas come twice.  With centres and widths as in the mean pattern the fit is linear: it has an
answer and an error for every point, and says what could have been seen there.  Where lines stand
out, centre and width are fitted too, and that area is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience_xrd.lines.batch_baseline import fit_baselines
from consilience_xrd.lines.batch_fit import fit_windows
from consilience_xrd.lines.batch_profile import windows_model
from consilience_xrd.lines.profiles import Components
from consilience_xrd.maps.lines import MapLine, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.maps.scan import Block

__all__ = [
    "FLAGS",
    "FitSettings",
    "base_and_noise",
    "blank_scales",
    "fit_block",
    "fit_window",
    "noise_of",
    "window_part",
]

FLAGS = {
    1: "centre and width as in the mean pattern: the line does not stand out here",
    2: "a parameter sat on its bound; the area is the one with centre and width held",
    4: "the fit did not settle; the area is the one with centre and width held",
    8: "chi-square per degree of freedom is above 4",
    16: "nothing was measured here",
}
"""Bits of ``line_flags``."""


@dataclass(frozen=True)
class FitSettings:
    """How the patterns of a map are fitted.

    Attributes
    ----------
    decision : float
        Area over its standard deviation at no line, from which a line counts as there.
    stands_out : float
        The same, from which centre and width are fitted.
    shift : float
        Largest distance of a centre from that in the mean pattern, in the mean's widths.
    halo : ndarray, shape (n,), or None
        A smoothed blank, whose scale is fitted at each point where `clear`, under every baseline.
    clear : ndarray of bool, shape (n,), or None
        Points of q beside all lines.
    """

    baseline: str = "arpls"
    lam: float = 1e5
    p: float = 0.01
    decision: float = 3.0
    stands_out: float = 8.0
    shift: float = 1.0
    halo: NDArray[np.float64] | None = None
    clear: NDArray[np.bool_] | None = None


def noise_of(block: Block) -> NDArray[np.float64] | None:
    """Standard deviation of each point from the scatter, where neither counts nor file give it.

    The median absolute second difference of each pattern, one value for all its points, shape
    (m, 1).
    """
    if block.gain is not None:
        return None
    y = block.intensity
    second = np.abs(y[:, 2:] - 2 * y[:, 1:-1] + y[:, :-2])
    level = np.median(second, axis=1, keepdims=True) / (0.6745 * np.sqrt(6.0))
    floor = np.ptp(y, axis=1, keepdims=True) * 1e-9
    return np.asarray(np.maximum(level, np.maximum(floor, 1e-300)))


def fit_block(
    block: Block,
    q: NDArray[np.float64],
    lines: Sequence[MapLine],
    windows: Sequence[Window],
    settings: FitSettings,
    components: Components = ((1.0, 1.0),),
    *,
    linear: bool = False,
) -> dict[str, NDArray[Any]]:
    """Fit all lines of a block of m patterns; only their areas with `linear`.

    Returns
    -------
    dict of ndarray
        ``area``, ``area_std``, ``null_std`` (of an area where there is no line), ``center``,
        ``center_std``, ``fwhm``, ``fwhm_std`` and ``flags``, each shape (lines, m); ``background``
        and ``total``, shape (m,): means over q of the baseline and of the data; with a halo
        ``blank_scale``, shape (m,).
    """
    y = block.intensity
    dark = ~np.any(y != 0, axis=1)
    base, scatter = base_and_noise(block, settings)
    shape = (len(lines), len(y))
    out: dict[str, NDArray[Any]] = {
        name: np.full(shape, np.nan)
        for name in (
            "area", "area_std", "null_std", "center", "center_std", "fwhm", "fwhm_std", "chi2",
        )
    }  # fmt: skip
    out["flags"] = np.zeros(shape, np.uint8)
    out["background"] = base.mean(axis=1)
    out["total"] = y.mean(axis=1)
    if settings.halo is not None:
        out["blank_scale"] = np.where(dark, np.nan, blank_scales(y, settings))
    for window in windows:
        here = window_part(block, q, lines, window, base, scatter, components)
        if linear:
            got = dict(zip(("area", "area_std", "null_std"), _linear(here), strict=True))
        else:
            got = fit_window(here, settings)[0]
        for name, values in got.items():
            out[name][list(window.lines)] = values
    for name in ("area", "area_std", "null_std", "center", "center_std", "fwhm", "fwhm_std"):
        out[name][:, dark] = np.nan
    out["flags"][:, dark] = 16
    return out


def base_and_noise(
    block: Block, settings: FitSettings
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Baselines of a block, and its noise where neither counts nor file give it."""
    y = block.intensity
    if settings.halo is None:
        base = fit_baselines(y, settings.baseline, settings.lam, settings.p).values
    else:
        under = np.maximum(blank_scales(y, settings), 0.0)[:, None] * settings.halo
        base = under + fit_baselines(y - under, settings.baseline, settings.lam, settings.p).values
    return base, noise_of(block)


def blank_scales(y: NDArray[np.float64], settings: FitSettings) -> NDArray[np.float64]:
    """Scale of the halo in each pattern of `y` (m, n), shape (m,).

    By least squares beside the lines, with a straight line; equal weights, since a halo is smooth
    and low.
    """
    assert settings.halo is not None
    assert settings.clear is not None
    t = np.linspace(-1, 1, y.shape[1])
    columns = np.stack([settings.halo, np.ones_like(t), t], axis=1)[settings.clear]
    return np.asarray(y[:, settings.clear] @ np.linalg.pinv(columns)[0])


def window_part(
    block: Block,
    q: NDArray[np.float64],
    lines: Sequence[MapLine],
    window: Window,
    base: NDArray[np.float64],
    scatter: NDArray[np.float64] | None,
    components: Components,
) -> _Part:
    """One window of a block with what its fit needs."""
    part = slice(window.first, window.last)
    y = block.intensity
    return _Part(
        q[part],
        y[:, part],
        base[:, part],
        None if block.gain is None else np.broadcast_to(block.gain, y.shape)[:, part],
        _sigma_of(block, scatter, part),
        [lines[i] for i in window.lines],
        components,
    )


def _sigma_of(
    block: Block, scatter: NDArray[np.float64] | None, part: slice
) -> NDArray[np.float64] | None:
    """Standard deviations of a window's points; None for counts, whose model says it."""
    if block.gain is not None or scatter is None:
        return None
    wide = np.broadcast_to(scatter, block.intensity.shape)[:, part]
    if block.sigma is None:
        return np.asarray(wide)
    told = block.sigma[:, part]
    return np.where(np.isnan(told), wide, told)


@dataclass(frozen=True)
class _Part:
    """One window of a block."""

    q: NDArray[np.float64]
    y: NDArray[np.float64]
    base: NDArray[np.float64]
    gain: NDArray[np.float64] | None
    sigma: NDArray[np.float64] | None
    lines: list[MapLine]
    components: Components

    def weight(self, model: NDArray[np.float64]) -> NDArray[np.float64]:
        """One over the variance; of counts from the model, which is never negative."""
        if self.gain is None:
            assert self.sigma is not None
            return np.asarray(np.where(np.isfinite(self.sigma), self.sigma**-2.0, 0.0))
        safe = np.where(self.gain > 0, self.gain, 1.0)
        return np.asarray(np.where(self.gain > 0, safe / np.maximum(model, 0.5 / safe), 0.0))


def fit_window(
    here: _Part, settings: FitSettings, *, always: bool = False
) -> tuple[dict[str, NDArray[Any]], float]:
    """Maps of a window's lines, and chi-square summed over the points where one stands out.

    `always`: only that sum is wanted, over points chosen by another shape than the one fitted.
    """
    k, m = len(here.lines), len(here.y)
    area, std, null = _linear(here)
    center = np.array([line.center for line in here.lines])
    fwhm = np.array([line.fwhm for line in here.lines])
    eta = np.array([line.eta for line in here.lines])
    out: dict[str, NDArray[Any]] = {
        "area": area, "area_std": std, "null_std": null,
        "center": np.full((k, m), np.nan), "center_std": np.full((k, m), np.nan),
        "fwhm": np.full((k, m), np.nan), "fwhm_std": np.full((k, m), np.nan),
        "chi2": np.full((k, m), np.nan), "flags": np.ones((k, m), np.uint8),
    }  # fmt: skip
    with np.errstate(invalid="ignore"):
        free = _best_score(here, 0.5 if always else None) > settings.stands_out
    chosen = np.flatnonzero(free.any(axis=0))
    if not len(chosen):
        return out, 0.0
    free = free[:, chosen].T
    n = len(chosen)
    level = np.zeros((n, 2))
    start = np.hstack(
        [area[:, chosen].T, *(np.tile(v, (n, 1)) for v in (center, fwhm, eta)), level]
    )
    infinite = np.full((n, 2), np.inf)
    room = np.where(free, settings.shift * fwhm, 0.0)
    for i in range(k):  # neighbours must not swap
        for j in range(k):
            if i != j:
                room[:, i] = np.minimum(room[:, i], 0.45 * abs(center[i] - center[j]))
    narrow, wide = np.where(free, 0.25 * fwhm, fwhm), np.where(free, 3 * fwhm, fwhm)
    low = np.hstack([np.where(free, 0.0, -np.inf), center - room, narrow, np.tile(eta, (n, 1)),
                     -infinite])  # fmt: skip
    high = np.hstack([np.full((n, k), np.inf), center + room, wide, np.tile(eta, (n, 1)), infinite])
    vary = np.ones(4 * k + 2, bool)
    vary[3 * k : 4 * k] = False
    poisson = here.gain is not None
    got = fit_windows(
        here.q, here.y[chosen], start, low, high,
        sigma=_left_out(here, chosen), weights="poisson" if poisson else "given",
        gain=1.0 if here.gain is None else np.where(here.gain > 0, here.gain, 1.0)[chosen],
        baseline=here.base[chosen], vary=vary, components=here.components,
    )  # fmt: skip
    moved = got.at_bound[:, :k] | got.at_bound[:, k : 2 * k] | got.at_bound[:, 2 * k : 3 * k]
    bad = free & moved
    loose = free & ~got.converged[:, None]
    good = free & ~bad & ~loose
    poor = got.chi2 > 4 * np.maximum(got.dof, 1)
    rows, points = np.nonzero(good.T)
    at = (rows, chosen[points])
    for name, values in (
        ("area", got.area), ("area_std", got.area_std),
        ("center", got.center), ("center_std", got.center_std),
        ("fwhm", got.fwhm), ("fwhm_std", got.fwhm_std),
    ):  # fmt: skip
        out[name][at] = values[points, rows]
    out["chi2"][:, chosen] = got.chi2 / np.maximum(got.dof, 1)
    flags = np.where(good, 0, 1) | np.where(bad, 2, 0) | np.where(loose, 4, 0)
    flags = flags | np.where(poor[:, None], 8, 0)
    out["flags"][:, chosen] = flags.T.astype(np.uint8)
    return out, float(got.chi2.sum())


def _best_score(here: _Part, eta: float | None) -> NDArray[np.float64]:
    """Area over its error at no line, the largest over places left, at and right of the mean's.

    At the mean's place alone, points whose noise pulls a line towards it would be preferred.
    """
    best = np.full((len(here.lines), len(here.y)), -np.inf)
    for shift in (-0.6, 0.0, 0.6):
        moved = [
            replace(
                line, center=line.center + shift * line.fwhm, eta=line.eta if eta is None else eta
            )
            for line in here.lines
        ]
        area, _, null = _linear(replace(here, lines=moved))
        best = np.fmax(best, area / null)
    return best


def _left_out(here: _Part, chosen: NDArray[np.intp]) -> NDArray[np.float64] | None:
    if here.gain is None:
        assert here.sigma is not None
        return here.sigma[chosen]
    return np.where(here.gain > 0, 1.0, np.inf)[chosen]


def _linear(here: _Part) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Areas at held centres and widths, their errors, and the error of an area of zero.

    All shape (k, m).  Weights are those of the model, found in three rounds.
    """
    k = len(here.lines)
    values = np.zeros((k, 4 * k + 2))
    for i, line in enumerate(here.lines):
        values[:, k + i], values[:, 2 * k + i], values[:, 3 * k + i] = (
            line.center, line.fwhm, line.eta,
        )  # fmt: skip
        values[i, i] = 1.0
    t = np.linspace(-1, 1, len(here.q))
    shapes = windows_model(here.q, values, t, here.components, False)
    columns = np.vstack([shapes, np.ones_like(t), t])
    products = (columns[:, None, :] * columns[None, :, :]).reshape((k + 2) ** 2, -1).T
    net = here.y - here.base

    def solve(weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        normal = (weight @ products).reshape(-1, k + 2, k + 2)
        scale = 1 / np.sqrt(np.maximum(np.einsum("mii->mi", normal), 1e-300))
        inverse = np.linalg.pinv(
            normal * scale[:, :, None] * scale[:, None, :], rcond=1e-12, hermitian=True
        )
        inverse = inverse * scale[:, :, None] * scale[:, None, :]
        right = (weight * net) @ columns.T
        return np.einsum("mij,mj->mi", inverse, right), inverse

    model = np.maximum(here.base, 0.0)
    found, inverse = solve(here.weight(model))
    for _ in range(2 if here.gain is not None else 0):
        model = here.base + found @ columns
        found, inverse = solve(here.weight(model))
    std = np.sqrt(np.maximum(np.einsum("mii->mi", inverse)[:, :k], 0.0))
    null = std.copy()
    if here.gain is not None:
        everything = here.base + found @ columns
        for i in range(k):
            without = everything - np.maximum(found[:, i, None], 0.0) * columns[i]
            null[:, i] = np.sqrt(np.maximum(solve(here.weight(without))[1][:, i, i], 0.0))
    empty = std == 0
    return (
        np.where(empty, np.nan, found[:, :k]).T,
        np.where(empty, np.nan, std).T,
        np.where(empty, np.nan, null).T,
    )
