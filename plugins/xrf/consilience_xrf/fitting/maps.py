"""Counts of elements in each spectrum of a cube: `fit_maps`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_xrf.fitting.background import (
    SPACING,
    WINDOW,
    background_columns,
    channels_of_width,
    fitted_background,
    snip,
    snip_of_sum,
)
from consilience_xrf.fitting.chosen import chosen_families
from consilience_xrf.fitting.design import Design, build_design, pile_up_column
from consilience_xrf.fitting.linear import LinearFit, Solver
from consilience_xrf.lines.geometry import Geometry
from consilience_xrf.lines.response import Response

__all__ = ["BACKGROUNDS", "MapFit", "chosen_families", "fit_maps", "mean_spectrum", "row_blocks"]

Array = NDArray[np.float64]

BACKGROUNDS = ("auto", "columns", "splines", "snip", "none")
PIECES = 5
LOWEST = 0.9
"""keV from which spectra are fitted unless the caller says otherwise."""
FEW = 16
"""Fewer spectra than this have a background of splines each, not one shape of their mean."""
ROWS = 2048
"""Spectra at once."""
CACHED = 250_000
"""Values at once where several things are asked of them."""


@dataclass(frozen=True)
class MapFit:
    """What was fitted to a cube; ``scan`` is the shape of its leading axes.

    Parameters
    ----------
    names : tuple of str
        Families, such as ``"Fe_K"``, then scatter, pile-up and background columns.
    elements : int
        How many of the names are families.
    amounts, free, std, critical, limit : ndarray, shape (names, *scan)
        Counts; see `consilience_xrf.fitting.linear.LinearFit`.  `amounts` are not negative;
        `free` are unbiased, with `std`, and what sums and tests should take.
    chi2, residual, total : ndarray, shape scan
    mask : ndarray of bool, shape scan
        Spectra that were fitted: not those without counts, nor with values that are negative or
        no numbers.
    correlation : ndarray, shape (names, names)
        Of `free` for the mean spectrum.
    covariance : ndarray, shape (names, names)
        Of the mean spectrum's amounts (per spectrum), counts².
    mean : ndarray, shape (channels,)
        Mean of the fitted spectra.
    mean_amounts : ndarray, shape (names,)
        Its fit.
    mean_background : ndarray, shape (channels,)
        Background of the mean spectrum.
    design : Design
    """

    names: tuple[str, ...]
    elements: int
    amounts: Array
    free: Array
    std: Array
    critical: Array
    limit: Array
    chi2: Array
    residual: Array
    total: Array
    mask: NDArray[np.bool_]
    correlation: Array
    covariance: Array
    mean: Array
    mean_amounts: Array
    mean_background: Array
    design: Design

    def of(self, name: str) -> int:
        """Return the place of a column among `names`.

        Raises
        ------
        BadInputError
            It was not fitted.
        """
        if name not in self.names:
            raise BadInputError(
                f"{name!r} was not fitted", fix=f"name one of {', '.join(self.names)}"
            )
        return self.names.index(name)

    @property
    def model(self) -> Array:
        """Counts that the fit of the mean spectrum expects in each channel, shape (channels,)."""
        lines = [i for i, name in enumerate(self.names) if not name.startswith("background")]
        shown = self.design.matrix[:, lines] @ self.mean_amounts[lines]
        return np.asarray(shown + self.mean_background)


def mean_spectrum(
    counts: NDArray[np.floating], mask: NDArray[np.bool_] | None = None
) -> tuple[Array, NDArray[np.bool_]]:
    """Return the mean of the spectra that can be fitted, and which they are.

    Parameters
    ----------
    counts : ndarray, shape (*scan, channels)
        Read in blocks of the first axis, so that it may stay in its file.
    mask : ndarray of bool, shape scan, optional
        Spectra that may be used.
    """
    scan, channels = counts.shape[:-1], counts.shape[-1]
    good = np.zeros(scan, dtype=np.bool_)
    total = np.zeros(channels)
    # few enough that a block stays in the processor's cache for all that is asked of it
    for rows in row_blocks(counts.shape, max(1, CACHED // channels)):
        part = np.asarray(counts[rows])
        sums = part.sum(axis=-1, dtype=np.float64)
        fine = np.isfinite(sums) & (sums > 0) & (part.min(axis=-1) >= 0)
        if mask is not None:
            fine &= mask[rows]
        good[rows] = fine
        total += (
            part.sum(axis=tuple(range(len(scan))), dtype=np.float64)
            if fine.all()
            else part[fine].sum(axis=0, dtype=np.float64)
        )
    return total / max(int(good.sum()), 1), good


def row_blocks(shape: tuple[int, ...], rows: int = ROWS) -> list[slice]:
    """Return slices of the first axis with about `rows` spectra each."""
    each = max(1, rows // max(1, int(np.prod(shape[1:-1], dtype=np.int64))))
    return [slice(a, min(a + each, shape[0])) for a in range(0, shape[0], each)]


def fit_maps(
    counts: NDArray[np.floating],
    energy: Array,
    elements: Sequence[str],
    *,
    incident_energy: float | None = None,
    response: Response | None = None,
    geometry: Geometry | None = None,
    background: str = "auto",
    pieces: int = PIECES,
    window: float = WINDOW,
    spacing: float = SPACING,
    scatter: bool = True,
    escape: bool = True,
    pile_up: bool = False,
    low: float | None = None,
    high: float | None = None,
    mask: NDArray[np.bool_] | None = None,
    chi2: bool = True,
    progress: Callable[[float], None] | None = None,
) -> MapFit:
    """Fit the lines of elements to every spectrum of a cube.

    Parameters
    ----------
    counts : ndarray, shape (*scan, channels)
        Whole counts, not scaled; also what can be sliced like one (read in blocks).
    energy : ndarray, shape (channels,)
        keV, ascending.
    elements : sequence of str
        ``"Fe"`` (all families on the axis) or ``"Pt_L"``.
    incident_energy : float, optional
        keV; shorthand for a `geometry` that knows nothing else.
    response : Response, optional
        Of the detector; by default its noise is fitted to the mean spectrum.
    geometry : Geometry, optional
    background : {"auto", "columns", "splines", "snip", "none"}
        "columns": the background of the mean spectrum (splines times SNIP) in `pieces` parts that
        are fitted to each spectrum, so that few counts bias nothing.  "splines": all splines are
        fitted to each spectrum.  "auto": "splines" for fewer than 16 spectra, else "columns".
        "snip": SNIP of each spectrum, subtracted; of a single one it is smoothed.
    pieces : int
        1 or more.
    window, spacing : float
        Of SNIP and of splines, line widths.
    scatter, escape, pile_up : bool
        What else is fitted.
    low, high : float, optional
        keV that are fitted; by default the whole axis above 0 up to a little beyond the beam.
    mask : ndarray of bool, shape scan, optional
        Spectra to fit.
    chi2 : bool
        False leaves out χ², which costs one more pass over the counts.
    progress : callable, optional
        Called with the share that is done.

    Raises
    ------
    BadInputError
        Shapes do not fit, the axis does not ascend, no element can be fitted, or no counts.
    """
    energy = np.asarray(energy, dtype=np.float64)
    if counts.shape[-1] != energy.size or energy.size < 8:
        raise BadInputError(
            f"{counts.shape[-1]} channels of counts and {energy.size} energies do not belong "
            "together",
            fix="give one energy for each channel, 8 or more",
        )
    if not (np.isfinite(energy).all() and (np.diff(energy) > 0).all()):
        raise BadInputError("the energy axis does not ascend", fix="calibrate it anew")
    if background not in BACKGROUNDS:
        raise BadInputError(
            f"background {background!r} is not known", fix=f"one of {', '.join(BACKGROUNDS)}"
        )
    geometry = geometry or Geometry(incident_energy)
    one = counts.ndim == 1
    if one:
        counts, mask = np.asarray(counts)[None], None
    mean, good = mean_spectrum(counts, mask)
    if not good.any():
        raise BadInputError("no spectrum holds any counts", fix="check the shutter and the mask")
    inside = fitted_range(energy, geometry.incident_energy, low, high, mean)
    axis = energy[inside]
    families, why = chosen_families(elements, axis, geometry.incident_energy)
    if not families:
        said = "; ".join(f"{name}: {reason}" for name, reason in why.items())
        raise BadInputError(
            f"no element can be fitted ({said or 'none was named'})",
            fix="name elements whose lines the beam excites and the axis holds",
        )
    mean = mean[inside]
    if response is None:
        from consilience_xrf.lines.calibration import fitted_response

        response, geometry = fitted_response(axis, mean * good.sum(), families, geometry)
    number = int(good.sum())
    piled = pile_up_column(axis, mean) if pile_up else None

    def designed(columns: Array | None) -> Design:
        return build_design(
            axis,
            families,
            response,
            geometry,
            scatter=scatter,
            escape=escape,
            pile_up=piled,
            background=columns,
        )

    if background == "auto":
        background = "splines" if number < FEW else "columns"
    under = np.zeros(axis.size)
    columns = None
    if background in ("columns", "splines"):
        lines = designed(None).matrix
        under, columns, _ = fitted_background(
            axis, mean * number, lines, response, window=window, spacing=spacing
        )
        under = under / number
        if background == "columns":
            columns = background_columns(axis, under, pieces) if under.any() else None
    elif background == "snip":
        under = snip_of_sum(axis, mean * number, response, window) / number
    design = designed(columns)
    own = background == "snip"
    solver = Solver(design.matrix, mean, under if own else None)
    # of a single spectrum the smoothed background that also gave the weights is subtracted
    subtracted = under if own and one else None
    width = channels_of_width(axis, response, window) if own and not one else 0
    fitted = _fit_blocks(
        counts, inside, good, solver, width, subtracted, chi2=chi2, progress=progress
    )
    covariance = solver.covariance(solver.mean_amounts)
    std = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    n = len(design.names)
    if columns is not None:
        parts = [k for k, name in enumerate(design.names) if name.startswith("background")]
        under = design.matrix[:, parts] @ solver.mean_amounts[parts]
    if one:
        fitted, good = {name: values[..., 0] for name, values in fitted.items()}, good[0]
    return MapFit(
        names=design.names,
        elements=len(families),
        amounts=fitted["amounts"],
        free=fitted["free"],
        std=fitted["std"],
        critical=fitted["critical"],
        limit=fitted["limit"],
        chi2=fitted["chi2"],
        residual=fitted["residual"],
        total=fitted["total"],
        mask=good,
        correlation=covariance / (std[:, None] * std[None, :]) if n else covariance,
        covariance=covariance,
        mean=mean,
        mean_amounts=solver.mean_amounts,
        mean_background=under,
        design=design,
    )


def fitted_range(
    energy: Array,
    incident: float | None,
    low: float | None,
    high: float | None,
    mean: Array | None = None,
) -> slice:
    """Return the channels that are fitted.

    Where `low` is not given it is 0.9 keV, or where the detector's noise at the lower end of
    `mean` has ended.
    """
    first = low if low is not None else max(LOWEST, float(energy[0]))
    last = high if high is not None else float(energy[-1])
    if high is None and incident is not None:
        last = min(last, 1.06 * incident)
    a, b = (int(i) for i in np.searchsorted(energy, [first, last]))
    b = min(b + (high is not None), energy.size)
    if b - a < 8:
        raise BadInputError(
            f"fewer than 8 channels lie from {first:.4g} to {last:.4g} keV",
            fix="check the energy axis and the range",
        )
    if low is None and mean is not None:
        near = max(int(np.searchsorted(energy, energy[a] + 0.6)), a + 3)
        window = mean[a : min(near, b - 8)]
        if window.size and window[0] > 3.0 * max(float(window.min()), 1e-9):
            a += int(window.argmin())
    return slice(a, b)


def _fit_blocks(
    counts: NDArray[np.floating],
    inside: slice,
    good: NDArray[np.bool_],
    solver: Solver,
    width: int,
    subtracted: Array | None,
    *,
    chi2: bool,
    progress: Callable[[float], None] | None,
) -> dict[str, Array]:
    scan = counts.shape[:-1]
    n = solver.matrix.shape[1]
    columns = ("amounts", "free", "std", "critical", "limit")
    made = {name: np.full((n, *scan), np.nan) for name in columns}
    made |= {name: np.full(scan, np.nan) for name in ("chi2", "residual", "total")}
    blocks = row_blocks(counts.shape)
    for k, rows in enumerate(blocks):
        part = np.asarray(counts[rows])
        flat = part.reshape(-1, part.shape[-1])[:, inside]
        fine = good[rows].ravel()
        some = flat if fine.all() else flat[fine]
        if len(some):
            under = snip(some, width) if width else None
            if subtracted is not None:
                under = subtracted[None]
            fit = solver.fit(some, under, chi2=chi2)
            _place(made, fit, rows, good, n)
        if progress is not None:
            progress((k + 1) / len(blocks))
    return made


def _place(
    made: dict[str, Array],
    fit: LinearFit,
    rows: slice,
    good: NDArray[np.bool_],
    n: int,
) -> None:
    where = good[rows]
    for name, whole in made.items():
        values = getattr(fit, name)
        if whole.ndim > good.ndim:
            for i in range(n):
                part = whole[i]
                part[rows] = _filled(values[:, i], where)
        else:
            whole[rows] = _filled(values, where)


def _filled(values: Array, where: NDArray[np.bool_]) -> Array:
    made = np.full(where.shape, np.nan)
    made[where] = values
    return made
