"""One pass over the spectra: what each pixel has between the windows' edges, and a profile of all.

`collect` walks through blocks of spectra and keeps, for each pixel, what lies between the windows'
edges at its own angle, and for all together counts on one axis of momentum.  All that follows
(`evaluation`, `regions`, `pooling`) is arithmetic on these few numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_compton.momentum.background import Sides, tail_shares
from consilience_compton.momentum.cells import Cells, cell_sums, pooled
from consilience_compton.momentum.kinematics import compton_energy, momentum_slope
from consilience_compton.momentum.rebin import Profile, empty_profile, fine_edges, to_momentum
from consilience_compton.momentum.response import Detector, Layer
from consilience_compton.momentum.sharing import without_bend
from consilience_compton.momentum.windows import Windows, window_energies

__all__ = ["Collected", "Settings", "Total", "collect", "combined", "tails_of", "total_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """How EMR is made.

    Parameters
    ----------
    windows : Windows
    resolution, resolution_std : float
        FWHM of the detector in keV, and its standard deviation.
    sides : Sides or None
        Through which a line can be drawn as background; None: nothing is known of it.
    subtract : bool
        Take that line off; otherwise it only bounds what the background may do.
    composition : str
        Of what scatters, for the tails of its profile in the sides; "": the sides hold none of it.
    escape : {"report", "subtract", "ignore"}
        What is done with excess counts at escape peaks of the elastic line.
    correct : bool
        Divide by the response (cross-section, sensor, layers).
    polarisation : float
        See `response.kinematic_factor`.
    detector, layers
        See `response.response`.
    energy_offset : float
        Added to the stated energies, keV.
    energy_offset_std : float or None
        keV; None: what the found peak deviates by stands for it.
    own_lines : bool
        Each pixel's energies are by the detector's own lines.
    multiple_scattering : float or None
        Standard deviation of the share of counts that scattered more than once, spread evenly.
    reach, step : float
        Half-length and bins of the common profile, atomic units.
    """

    windows: Windows = field(default_factory=Windows)
    resolution: float = 0.8
    resolution_std: float = 0.05
    sides: Sides | None = None
    subtract: bool = True
    composition: str = ""
    escape: Literal["report", "subtract", "ignore"] = "report"
    correct: bool = True
    polarisation: float = 1.0
    detector: Detector | None = None
    layers: tuple[Layer, ...] = ()
    energy_offset: float = 0.0
    energy_offset_std: float | None = None
    own_lines: bool = False
    multiple_scattering: float | None = None
    reach: float = 10.0
    step: float = 0.05

    def resolution_momentum(self, incident: float, angle: float) -> float:
        """FWHM of the detector in atomic units."""
        slope = momentum_slope(compton_energy(incident, angle), incident, angle)
        return self.resolution * float(slope)

    def profile_edges(self) -> Array:
        """Edges of the common profile, the windows' own among them."""
        first, last = self.windows.span
        reach = max(self.reach, abs(first) + 2.0, abs(last) + 2.0)
        return fine_edges(self.windows.edges, -reach, reach, self.step)


@dataclass(frozen=True)
class Total:
    """What is kept of some spectra added up.

    Parameters
    ----------
    cells : Cells, shape (m,)
    sides : Cells, shape (3,), or None
    profile : Profile
    angle : float
        Mean of the pixels in degrees.
    tails : ndarray, shape (2,)
        See `background.tail_shares`.
    bin_width : float
        Of the energy axis at the peak, atomic units.
    angle_spread : float
        Standard deviation of the pixels' angles, degrees.
    """

    cells: Cells
    sides: Cells | None
    profile: Profile
    angle: float
    tails: Array
    bin_width: float
    angle_spread: float = 0.0


@dataclass(frozen=True)
class Collected:
    """What one pass gives.

    Parameters
    ----------
    cells : Cells, shape (..., m)
        Between the windows' edges, of each spectrum.
    sides : Cells, shape (..., 3), or None
    profiles : tuple of Profile
        One for each label.
    angles : ndarray, shape (...)
        Degrees.
    used : ndarray of bool, shape (...)
        Spectra that may be used and hold counts.
    bin_width : float
        Of the energy axis at the peak, atomic units.
    """

    cells: Cells
    sides: Cells | None
    profiles: tuple[Profile, ...]
    angles: Array
    used: NDArray[np.bool_]
    bin_width: float


def collect(
    blocks: Iterable[tuple[slice, NDArray[Any]]],
    energy_edges: Array,
    incident: float,
    angles: Array,
    settings: Settings,
    *,
    good: NDArray[np.bool_] | None = None,
    scale: tuple[Array, Array] | None = None,
    labels: NDArray[np.intp] | None = None,
    profiles: bool = True,
) -> Collected:
    """Walk through the spectra once.

    Parameters
    ----------
    blocks : iterable of (slice, ndarray)
        Pieces along the first dimension of `angles`, each of shape (rows, ..., n).
    energy_edges : ndarray, shape (n + 1,)
        keV.
    incident : float
        keV.
    angles : ndarray, shape (rows, ...)
        Degrees.
    settings : Settings
    good : ndarray of bool, shape (rows, ...), optional
        Pixels that may be used.
    scale : (scale, shift), optional
        Each pixel's own energy scale, shape (rows, ...); see `spectra.pixel_scale_of`.
    labels : ndarray of int, shape (rows, ...), optional
        One profile for each label from 0; those below 0 are left out.  None: one for all.
    profiles : bool
        False: cells only, which is quicker, with cut bins shared out evenly; otherwise what that
        gets wrong is taken off (`sharing`).

    Returns
    -------
    Collected
        `used` leaves out what is not good, and spectra without a count in any window.
    """
    shape = angles.shape
    gain = np.ones(shape) if scale is None else scale[0]
    offset = np.full(shape, settings.energy_offset)
    if scale is not None:
        offset = offset + scale[1]
    keep = np.ones(shape, dtype=np.bool_) if good is None else good.copy()
    keep &= np.isfinite(gain) & np.isfinite(offset)
    gain, offset = np.where(keep, gain, 1.0), np.where(keep, offset, settings.energy_offset)
    ends = window_energies(settings.windows, incident, angles, gain, offset)
    side_ends = None
    if settings.sides is not None:
        side_ends = (settings.sides.edges - offset[..., None]) / gain[..., None]
    fine = settings.profile_edges()
    place = np.zeros(shape, dtype=np.intp) if labels is None else labels
    found = [empty_profile(fine) for _ in range(int(place.max()) + 1)]
    cells: list[Cells] = []
    sides: list[Cells] = []
    for rows, counts in blocks:
        # rows of pixels that may not be used are summed over a place that is surely there
        inner = np.where(keep[rows][..., None], ends[rows], _spread(energy_edges, ends.shape[-1]))
        cells.append(cell_sums(counts, energy_edges, inner))
        if side_ends is not None:
            outer = np.where(keep[rows][..., None], side_ends[rows], _spread(energy_edges, 4))
            sides.append(cell_sums(counts, energy_edges, outer))
        keep[rows] &= cells[-1].counts.sum(-1) > 0.0
        if not profiles:
            continue
        for label in range(len(found)):
            mine = keep[rows] & (place[rows] == label)
            if mine.any():
                part = to_momentum(
                    counts[mine],
                    energy_edges,
                    incident,
                    angles[rows][mine],
                    fine,
                    gain[rows][mine],
                    offset[rows][mine],
                )
                found[label] = found[label] + part
    middle = float(angles.mean())
    at = float(compton_energy(incident, middle))
    bin_at = int(np.clip(np.searchsorted(energy_edges, at), 1, energy_edges.size - 1))
    width = float(energy_edges[bin_at] - energy_edges[bin_at - 1])
    between = _joined(cells)
    if profiles:
        for label, one in enumerate(found):
            mine = keep & (place == label)
            between = without_bend(between, settings.windows, one, incident, angles, gain, mine)
    return Collected(
        between,
        _joined(sides) if sides else None,
        tuple(found),
        angles,
        keep & (place >= 0),
        width * float(momentum_slope(at, incident, middle)),
    )


def total_of(
    found: Collected,
    incident: float,
    settings: Settings,
    mask: NDArray[np.bool_] | None = None,
    profile: int = 0,
) -> Total:
    """Add up the spectra of a mask; `profile` is the number of the one that belongs to it.

    Raises
    ------
    BadInputError
        No spectrum of the mask can be used.
    """
    used = found.used if mask is None else found.used & mask
    if not used.any():
        raise BadInputError(
            "no spectrum holds a count in the windows",
            fix="check the energy axis, the windows and the mask of good pixels",
        )
    labels = np.where(used, 0, -1)
    sides = None if found.sides is None else _row(pooled(found.sides, labels, 1))
    angles = found.angles[used]
    tails = np.zeros(2)
    if settings.sides is not None and settings.composition:
        tails = tails_of(angles, incident, settings).mean(axis=0)
    return Total(
        _row(pooled(found.cells, labels, 1)),
        sides,
        found.profiles[profile],
        float(angles.mean()),
        tails,
        found.bin_width,
        float(angles.std()),
    )


def tails_of(angles: Array, incident: float, settings: Settings) -> Array:
    """Return `background.tail_shares` for these angles and settings, shape (..., 2)."""
    if settings.sides is None or not settings.composition:
        return np.zeros((*angles.shape, 2))
    fwhm = settings.resolution_momentum(incident, float(angles.mean()))
    return tail_shares(
        settings.composition,
        settings.sides,
        settings.windows,
        incident,
        angles,
        fwhm,
        settings.polarisation,
    )


def combined(
    totals: Sequence[Total], weights: Sequence[float], tails: Array | None = None
) -> Total:
    """Return Σ weight × total, as region subtraction needs it; widths are those of the first."""
    first = totals[0]

    def add(parts: Sequence[Cells]) -> Cells:
        return Cells(
            np.sum([w * one.counts for w, one in zip(weights, parts, strict=True)], axis=0),
            np.sum([w**2 * one.variance for w, one in zip(weights, parts, strict=True)], axis=0),
            np.sum([w**2 * one.shared for w, one in zip(weights, parts, strict=True)], axis=0),
            parts[0].width,
            parts[0].moment,
            parts[0].bend,
        )

    sides = [one.sides for one in totals]
    known = [one for one in sides if one is not None]
    pairs = list(zip(weights, (one.profile for one in totals), strict=True))
    profile = Profile(
        first.profile.edges,
        np.sum([w * one.counts for w, one in pairs], axis=0),
        np.sum([w**2 * one.variance for w, one in pairs], axis=0),
        first.profile.pixels,
    )
    return Total(
        add([one.cells for one in totals]),
        add(known) if len(known) == len(totals) else None,
        profile,
        first.angle,
        first.tails if tails is None else tails,
        first.bin_width,
        first.angle_spread,
    )


def _spread(edges: Array, number: int) -> Array:
    return np.asarray(np.linspace(edges[0], edges[-1], number))


def _joined(parts: Sequence[Cells]) -> Cells:
    return Cells(
        np.concatenate([one.counts for one in parts]),
        np.concatenate([one.variance for one in parts]),
        np.concatenate([one.shared for one in parts]),
        np.concatenate([one.width for one in parts]),
        np.concatenate([one.moment for one in parts]),
        np.concatenate([one.bend for one in parts]),
    )


def _row(cells: Cells) -> Cells:
    return Cells(
        cells.counts[0],
        cells.variance[0],
        cells.shared[0],
        cells.width[0],
        cells.moment[0],
        cells.bend[0],
    )
