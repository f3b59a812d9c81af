"""Maps made comparable: by what each point was exposed to, then by one number for all of them.

Dividing by one number makes the errors of all maps move together; its standard deviation is
carried apart, as a shared one.

References
----------
.. [1] B. Efron, R. J. Tibshirani, *An Introduction to the Bootstrap* (1993), chapters 6 and 10:
   standard errors and bias of a statistic by repeating it on perturbed data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_xrf.amounts.element_maps import ElementMap, MapSet

__all__ = [
    "Exposure",
    "Normaliser",
    "common_basis",
    "corrected",
    "exposure_of",
    "greatest",
    "joint_covariance",
    "percentile",
    "rate_exposure",
]

Array = NDArray[np.float64]
AGAIN = 16
"""Repeats that tell what smoothing leaves of the noise."""
REPEATS = 400
"""Of the bootstrap of a normaliser."""
WINDOW = 5
"""Points across over which neighbours are averaged."""
CLEAR = 4.0
"""Standard deviations between neighbours from which on they differ by structure, not noise."""
RATES = {"A": "A s", "count/s": "count"}
"""Units of monitors that are rates, and what they are times seconds."""
REACH = 8.0
"""Standard deviations below the greatest value that a point can be and yet become it."""


@dataclass(frozen=True)
class Exposure:
    """What each point got, to divide by.

    Attributes
    ----------
    amount : ndarray, shape (ny, nx)
        NaN where it is not known or not above 0.
    unit : str
        Of the amount: ``count``, ``A s``, ``s``, or ``1`` for "each point the same"; of
        `rate_exposure` ``A`` or counts per second.
    relative_std : ndarray or None
        Of the amount; None: not known.
    live : ndarray, shape (ny, nx)
        Live over real time, 1 where that is not known.
    by : tuple of str
        What it is made of.
    """

    amount: Array
    unit: str
    relative_std: Array | None
    live: Array
    by: tuple[str, ...]


def common_basis(sets: Sequence[MapSet], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return what of `wanted` every set has, and in one unit; the rest is left out for all."""
    found = []
    for name in wanted:
        units = {s.point_unit.get(name) for s in sets}
        if len(units) == 1 and None not in units:
            found.append(name)
    return tuple(found)


def exposure_of(maps: MapSet, basis: Sequence[str], monitor_std: float | None = None) -> Exposure:
    """Return what each point of a scan was exposed to.

    A monitor in counts or without unit is taken as the sum over the dwell time; one in A or counts
    per second as a rate, which is multiplied by dwell or real time.  Without a monitor the live
    time is taken, else the dwell time.  The share of live time corrects for pulses that the
    detector lost; pile-up is another matter.

    Parameters
    ----------
    maps : MapSet
    basis : sequence of str
        From `common_basis`.
    monitor_std : float, optional
        Relative standard deviation of the monitor at a point; by default 1/√counts of one in
        counts, else not known.

    Raises
    ------
    BadInputError
        No point has an exposure above 0.
    """
    have = {name: maps.point[name] for name in basis}
    ones = np.ones(maps.shape)
    live, by = ones, []
    if "live_time" in have and "real_time" in have:
        with np.errstate(invalid="ignore", divide="ignore"):
            live = have["live_time"] / have["real_time"]
        by.append("live over real time")
    elif "dead_time" in have:
        live = 1.0 - have["dead_time"]
        by.append("dead time")
    amount, unit = ones, "1"
    relative: Array | None = np.zeros(maps.shape)
    if "monitor" in have:
        amount, unit = have["monitor"], maps.point_unit["monitor"]
        by.insert(0, "monitor")
        if monitor_std is not None:
            relative = np.full(maps.shape, monitor_std)
        elif unit == "count":
            relative = 1.0 / np.sqrt(np.clip(amount, 1.0, None))
        else:
            relative = None
        if unit in RATES:
            time = next((n for n in ("dwell", "real_time", "live_time") if n in have), None)
            if time is not None:
                amount, unit = amount * have[time], RATES[unit]
                by.insert(1, time)
    elif "live_time" in have:
        amount, unit, live, by = have["live_time"], "s", ones, ["live_time"]
    elif "dwell" in have or "real_time" in have:
        time = "dwell" if "dwell" in have else "real_time"
        amount, unit = have[time], "s"
        by.insert(0, time)
    good = np.isfinite(amount) & (amount > 0) & np.isfinite(live) & (live > 0)
    if not good.any():
        raise BadInputError(
            f"no point has a {' and '.join(by) or 'value'} above 0, so its maps cannot be divided",
            fix="leave it out with the parameter 'normalise_by'",
        )
    amount, live = np.where(good, amount, np.nan), np.where(good, np.clip(live, 1e-6, 1.0), np.nan)
    return Exposure(amount, unit, relative, live, tuple(by))


def rate_exposure(maps: MapSet, basis: Sequence[str], exposure: Exposure) -> Exposure | None:
    """Return what a map in counts per second is still to be divided by.

    Time and dead time are divided out of it already.  A monitor summed over the dwell time is
    taken as a rate; None: it is summed, and no time is known.

    Parameters
    ----------
    maps : MapSet
    basis : sequence of str
        From `common_basis`.
    exposure : Exposure
        That of maps in counts.
    """
    ones = np.ones(maps.shape)
    if "monitor" not in basis:
        return Exposure(ones, "1", np.zeros(maps.shape), ones, ())
    amount, unit = maps.point["monitor"], maps.point_unit["monitor"]
    by: tuple[str, ...] = ("monitor",)
    if unit not in RATES:
        time = next((n for n in ("dwell", "real_time", "live_time") if n in maps.point), None)
        if time is None:
            return None
        with np.errstate(invalid="ignore", divide="ignore"):
            amount = amount / maps.point[time]
        unit, by = f"{unit}/s", (f"monitor over {time}",)
    amount = np.where(np.isfinite(amount) & (amount > 0), amount, np.nan)
    return Exposure(amount, unit, exposure.relative_std, ones, by)


def corrected(one: ElementMap, exposure: Exposure, reference: float) -> ElementMap:
    """Return a map as if each point had got `reference` and the detector had lost nothing.

    Parameters
    ----------
    one : ElementMap
    exposure : Exposure
    reference : float
        In the exposure's unit: the mean over all maps that are compared.
    """
    scale = reference / (exposure.amount * exposure.live)
    values = one.values * scale
    std = None if one.std is None else one.std * np.abs(scale)
    if std is not None and exposure.relative_std is not None:
        std = np.hypot(std, np.abs(values) * exposure.relative_std)
    return replace(one, values=values, std=std)


@dataclass(frozen=True)
class Normaliser:
    """One number that all maps of a line are divided by.

    Attributes
    ----------
    value : float
    std : float or None
        Its counting error.
    bias : float or None
        How much noise alone lifts it: the greatest of many noisy points lies above the truth.
    where : tuple of int
        Map, row and column of the greatest; empty for a percentile.
    what : str
    """

    value: float
    std: float | None
    bias: float | None
    where: tuple[int, ...] = ()
    what: str = "greatest"

    @property
    def relative_std(self) -> float | None:
        """Standard deviation over value."""
        return None if self.std is None else self.std / self.value


def greatest(maps: Sequence[ElementMap]) -> Normaliser:
    """Return the greatest value of all maps, as notebook C1 divides by.

    Raises
    ------
    BadInputError
        No value is above 0.
    """
    values, std, calm = _pooled(maps)
    top = int(np.argmax(values))
    value = float(values[top])
    which, place = _place(maps, value)
    made, bias = None, None
    if std is not None:
        made = _perturbed(calm, std, 1)
        # the smoothed map's greatest is lifted itself, by what smoothing leaves of the noise
        bias = value - (float(calm.max()) - _left_by_smoothing(maps, 1))
    return Normaliser(value, None if made is None else made[0], bias, (which, *place))


def percentile(maps: Sequence[ElementMap], share: float = 99.5) -> Normaliser:
    """Return a percentile of all values, which one bright grain or hot pixel does not move."""
    values, std, calm = _pooled(maps)
    count = max(1, round(values.size * (1.0 - share / 100.0)))
    value = float(-np.partition(-values, count - 1)[count - 1])
    if value <= 0.0:
        raise BadInputError(
            f"the percentile {share:g} of the maps is {value:g}, so nothing can be divided by it",
            fix="give a higher percentile, or leave this line out",
        )
    made = _perturbed(calm, std, count) if std is not None else None
    return Normaliser(
        value,
        None if made is None else made[0],
        None if made is None else made[1],
        what=f"percentile {share:g}",
    )


def _pooled(maps: Sequence[ElementMap]) -> tuple[Array, Array | None, Array]:
    """Values and errors of all maps, and what the values are without their noise."""
    values = np.concatenate([m.values.ravel() for m in maps])
    good = np.isfinite(values)
    stds = [m.std for m in maps]
    std, calm = None, values
    if all(s is not None for s in stds):
        std = np.concatenate([s.ravel() for s in stds if s is not None])
        good &= np.isfinite(std)
        calm = np.concatenate([_without_noise(m).ravel() for m in maps])[good]
        std = std[good]
    values = values[good]
    if not values.size or values.max() <= 0.0:
        raise BadInputError(
            f"no point of {maps[0].name if maps else 'the maps'} is above 0, so there is nothing "
            "to divide by",
            fix="leave this line out",
        )
    return values, std, calm


def _without_noise(one: ElementMap) -> Array:
    """A map drawn to the mean of its neighbours as far as noise, not structure, sets it apart.

    Neighbours that differ by more than `CLEAR` standard deviations do not count, so that edges
    and single bright points stay.
    """
    values = one.values
    noise = np.zeros(values.shape) if one.std is None else one.std**2
    near, count = np.zeros(values.shape), np.zeros(values.shape)
    reach = WINDOW // 2
    padded, widened = (np.pad(a, reach, constant_values=np.nan) for a in (values, noise))
    rows, columns = values.shape
    for down in range(WINDOW):
        for across in range(WINDOW):
            where = (slice(down, down + rows), slice(across, across + columns))
            there, its = padded[where], widened[where]
            with np.errstate(invalid="ignore"):
                alike = np.abs(there - values) <= CLEAR * np.sqrt(noise + its)
            near += np.where(alike, there, 0.0)
            count += alike
    good = np.isfinite(values) & (count > 0)
    if not good.any():
        return values
    near = near / np.where(count > 0, count, 1.0)
    left = np.where(good, values - near, 0.0)
    several = good & (count > 0.5 * WINDOW**2)
    used = several if several.any() else good
    # of a point's own noise, its share in the mean of its neighbours is not left
    expected = noise[used] * (1.0 - 1.0 / count[used])
    spread = (1.4826 * float(np.median(np.abs(left[used])))) ** 2
    structure = max(0.0, spread - float(np.median(expected)))
    keep = structure / np.maximum(structure + noise, 1e-300)
    return np.where(good, near + keep * left, np.nan)


def _left_by_smoothing(maps: Sequence[ElementMap], count: int) -> float:
    """By how much the `count`-th greatest of smoothed maps lies above that without any noise."""
    chance = np.random.default_rng(2)
    calm = [replace(m, values=_without_noise(m)) for m in maps]
    first = _ranked(calm, count)
    found = []
    for _ in range(AGAIN):
        noisy = [
            replace(
                m,
                values=m.values
                + (0.0 if m.std is None else m.std) * chance.standard_normal(m.values.shape),
            )
            for m in calm
        ]
        found.append(_ranked([replace(m, values=_without_noise(m)) for m in noisy], count))
    return float(np.mean(found)) - first


def _ranked(maps: Sequence[ElementMap], count: int) -> float:
    values = np.concatenate([m.values.ravel() for m in maps])
    values = values[np.isfinite(values)]
    return float(-np.partition(-values, count - 1)[count - 1])


def _place(maps: Sequence[ElementMap], value: float) -> tuple[int, tuple[int, int]]:
    for i, one in enumerate(maps):
        at = np.argwhere(one.values == value)
        if at.size:
            return i, (int(at[0][0]), int(at[0][1]))
    return 0, (0, 0)


def _perturbed(values: Array, std: Array, count: int) -> tuple[float, float]:
    """Standard deviation and bias of the `count`-th greatest, from noise on values without it."""
    least = float(-np.partition(-values, count - 1)[count - 1])
    near = values >= least - REACH * np.maximum(std, float(np.median(std)))
    chosen, noise = values[near], std[near]
    chance = np.random.default_rng(1)
    found = np.empty(REPEATS)
    block = max(1, 2_000_000 // chosen.size)
    for first in range(0, REPEATS, block):
        size = min(block, REPEATS - first)
        drawn = chosen + noise * chance.standard_normal((size, chosen.size))
        found[first : first + size] = -np.partition(-drawn, count - 1, axis=1)[:, count - 1]
    return float(found.std(ddof=1)), float(found.mean() - least)


def joint_covariance(means: Array, own: Array, relative_std: float) -> Array:
    """Return the covariance of means divided by one number: their own errors and the shared one.

    Parameters
    ----------
    means, own : ndarray, shape (n,)
        Means in shares, and their own standard deviations.
    relative_std : float
        Of the number that all were divided by.
    """
    return np.asarray(np.diag(own**2) + relative_std**2 * np.outer(means, means))
