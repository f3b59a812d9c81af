"""Ions that arrive together: multiple hits, correlated pairs, and the run's history.

References
----------
.. [1] D. W. Saxey, Ultramicroscopy 111 (2011) 473: correlation histograms of multiple hits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable

__all__ = ["History", "Hits", "measure_history", "measure_hits"]

MOST_TOGETHER = 64
"""Larger numbers of ions a pulse share the last place of `Hits.events`."""
LAGS = 8
"""Pairs are taken of ions up to this many places apart in one pulse."""


@dataclass(frozen=True)
class Hits:
    """Multiple hits of a run.

    Parameters
    ----------
    events : array of int64, shape (65,)
        Pulses with k ions, k = 0 … 64; the last holds larger ones too.
    inconsistent : int
        Pulses with another number of ions than their first ion says: ions were filtered out, by
        the reconstruction or the instrument.
    edges : array of float64, shape (n + 1,)
        Da, of the correlation histogram.
    pairs : array of int64, shape (n, n)
        Ions of one pulse against each other, the lighter first.
    single, multiple : array of int64, shape (ranges + 1,), or None
        Ions by range label (0: unranged) that came alone, and with others.
    """

    events: NDArray[np.int64]
    inconsistent: int
    edges: NDArray[np.float64]
    pairs: NDArray[np.int64]
    single: NDArray[np.int64] | None
    multiple: NDArray[np.int64] | None

    @property
    def ions(self) -> int:
        """Ions in all pulses, those beyond 64 a pulse counted as 64."""
        return int(np.arange(self.events.size) @ self.events)

    @property
    def fraction(self) -> float:
        """Part of the ions that came with others (0 to 1)."""
        return 1.0 - float(self.events[1]) / max(self.ions, 1)

    @property
    def fraction_std(self) -> float:
        """Statistical; pulses are independent, ions of one pulse are not."""
        k = np.arange(self.events.size)
        total = max(self.ions, 1)
        # f = Σ k e_k [k > 1] / Σ k e_k with Poisson e_k
        slope = k * ((k > 1) - self.fraction) / total
        return float(np.sqrt(np.sum(slope**2 * self.events)))


def measure_hits(
    source: IonSource,
    table: RangeTable | None = None,
    *,
    width: float = 0.5,
    high: float = 150.0,
    progress: Progress = no_progress,
) -> Hits:
    """Count multiple hits and correlate the masses of ions of one pulse.

    Parameters
    ----------
    source : IonSource
        With ``ions_per_pulse``, which an .epos has.
    table : RangeTable, optional
        To count single and multiple ions of each range.
    width, high : float
        Da; bins of the correlation histogram.

    Raises
    ------
    BadInputError
        The ions do not say which came together; more than 4000 bins.
    """
    size = round(high / width)
    if not 1 <= size <= 4000:
        raise BadInputError(f"{size} bins a side", fix="take between 1 and 4000")
    if "ions_per_pulse" not in source.columns:
        raise BadInputError(
            "these ions do not say which came together",
            fix="register the .epos: a .pos has positions and masses only",
        )
    pairs = np.zeros(size * size, np.int64)
    events = np.zeros(MOST_TOGETHER + 1, np.int64)
    number = 1 if table is None else len(table) + 1
    by_label = np.zeros(2 * number, np.int64)
    left_over: dict[str, NDArray[np.float32]] | None = None
    inconsistent = 0

    def take(mass: NDArray[np.float32], stated: NDArray[np.float32]) -> None:
        """Count whole pulses."""
        nonlocal inconsistent, by_label, pairs, events
        starts = np.flatnonzero(stated > 0)
        if starts.size == 0 or starts[0] != 0:
            starts = np.concatenate([[0], starts])
        lengths = np.diff(np.concatenate([starts, [mass.size]]))
        inconsistent += int(np.count_nonzero(lengths != stated[starts]))
        events += np.bincount(np.minimum(lengths, MOST_TOGETHER), minlength=MOST_TOGETHER + 1)
        pulse = np.repeat(np.arange(starts.size), lengths)
        together = np.repeat(lengths, lengths) > 1
        labels = (
            np.zeros(mass.size, np.int64)
            if table is None
            else table.labels(np.ascontiguousarray(mass)).astype(np.int64)
        )
        by_label += np.bincount(labels + number * together, minlength=2 * number)
        for lag in range(1, LAGS + 1):
            same = np.flatnonzero(pulse[lag:] == pulse[:-lag])
            if same.size == 0:
                break
            first, second = mass[same], mass[same + lag]
            with np.errstate(invalid="ignore"):
                low = np.minimum(first, second) / np.float32(width)
                top = np.maximum(first, second) / np.float32(width)
                inside = (low >= 0) & (top < size)
            at = low[inside].astype(np.intp) * size + top[inside].astype(np.intp)
            pairs += np.bincount(at, minlength=pairs.size)

    done = 0
    for first, columns in source.blocks(("mass_to_charge", "ions_per_pulse"), size=1 << 18):
        mass, stated = columns["mass_to_charge"], columns["ions_per_pulse"]
        if left_over is not None:
            mass = np.concatenate([left_over["mass"], mass])
            stated = np.concatenate([left_over["stated"], stated])
        # the last pulse may go on in the next block
        starts = np.flatnonzero(stated > 0)
        cut = int(starts[-1]) if starts.size else 0
        if cut:
            take(mass[:cut], stated[:cut])
        left_over = {"mass": mass[cut:].copy(), "stated": stated[cut:].copy()}
        if first >= done:
            progress(first, source.ions, "correlating ions of one pulse")
            done = first + (1 << 20)
    if left_over is not None and left_over["mass"].size:
        take(left_over["mass"], left_over["stated"])
    return Hits(
        events,
        inconsistent,
        np.arange(size + 1, dtype=np.float64) * width,
        pairs.reshape(size, size),
        None if table is None else by_label[:number],
        None if table is None else by_label[number:],
    )


@dataclass(frozen=True)
class History:
    """The run in steps of equally many ions.

    Parameters
    ----------
    first : array of int64, shape (s,)
        First ion of each step.
    voltage, pulse_voltage : array of shape (s,) or None
        V; means.
    pulses : array of int64, shape (s,), or None
        Pulses since the step before.
    rate, rate_std : array of shape (s,) or None
        Pulses with ions over pulses, with its binomial standard deviation.
    detector : array of int64, shape (m, m), or None
        Hits over the detector.
    detector_edges : array of shape (m + 1,) or None
        mm, of both axes.
    """

    first: NDArray[np.int64]
    voltage: NDArray[np.float64] | None
    pulse_voltage: NDArray[np.float64] | None
    pulses: NDArray[np.int64] | None
    rate: NDArray[np.float64] | None
    rate_std: NDArray[np.float64] | None
    detector: NDArray[np.int64] | None
    detector_edges: NDArray[np.float64] | None


def measure_history(
    source: IonSource,
    *,
    steps: int = 200,
    reach: float = 25.0,
    pixels: int = 100,
    progress: Progress = no_progress,
) -> History:
    """Return voltage, detection rate and the detector's hits over the run, in one pass.

    Parameters
    ----------
    source : IonSource
    steps : int
        How many; fewer if there are fewer ions.
    reach : float
        mm; the detector map goes from −reach to reach.
    pixels : int
        Of the detector map, along each side.

    Raises
    ------
    BadInputError
        None of the columns of a history is there, or no ion.
    """
    wanted = ("voltage", "pulse_voltage", "pulses_since", "detector_x", "detector_y")
    names = [name for name in wanted if name in source.columns]
    if not names or source.ions < 1 or steps < 1:
        raise BadInputError(
            "these ions have no voltage, pulses or detector positions",
            fix="register the .epos: a .pos has positions and masses only",
        )
    steps = min(steps, source.ions)
    step_of = -(-source.ions // steps)
    steps = -(-source.ions // step_of)
    counts = np.zeros(steps, np.int64)
    sums = {name: np.zeros(steps) for name in names}
    events = np.zeros(steps, np.int64)
    detector = np.zeros(pixels * pixels, np.int64)
    flat = {"detector_x", "detector_y"} <= set(names)
    for first, columns in source.blocks(names, size=1 << 17):
        size = next(iter(columns.values())).size
        low, high = first // step_of, (first + size - 1) // step_of + 1
        cuts = np.maximum(np.arange(low, high) * step_of - first, 0)
        counts[low:high] += np.diff(np.append(cuts, size))
        for name in names:
            sums[name][low:high] += np.add.reduceat(columns[name], cuts, dtype=np.float64)
        if "pulses_since" in names:
            events[low:high] += np.add.reduceat(columns["pulses_since"] > 0, cuts, dtype=np.int64)
        if flat:
            scale = pixels / (2 * reach)
            at_x, at_y = (
                np.floor((columns[name].astype(float) + reach) * scale)
                for name in ("detector_x", "detector_y")
            )
            inside = (at_x >= 0) & (at_x < pixels) & (at_y >= 0) & (at_y < pixels)
            at = at_x[inside].astype(np.intp) * pixels + at_y[inside].astype(np.intp)
            detector += np.bincount(at, minlength=detector.size)
        progress(first + size, source.ions, "following the run")
    pulses = rate = rate_std = None
    if "pulses_since" in names:
        pulses = np.round(sums["pulses_since"]).astype(np.int64)
        if pulses.any():
            with np.errstate(divide="ignore", invalid="ignore"):
                rate = events / pulses
                rate_std = np.sqrt(rate * np.maximum(1 - rate, 0.0) / pulses)
    means = {name: sums[name] / counts for name in ("voltage", "pulse_voltage") if name in names}
    return History(
        np.arange(steps) * step_of,
        means.get("voltage"),
        means.get("pulse_voltage"),
        pulses,
        rate,
        rate_std,
        detector.reshape(pixels, pixels) if flat else None,
        np.linspace(-reach, reach, pixels + 1) if flat else None,
    )
