"""Series of a film, with planted changes or without any, at fluxes a factor of 30 apart.

The first model is a film so thin that counts are proportional to mass, Poisson noise, a monitor
of the same kind.  The second film absorbs its own line, the monitor flickers beyond its counts
and drifts, and the focus is softer in some states.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np

from consilience.testing.coverage import Outcome, Row
from consilience_xrf.change.numbers import Number
from consilience_xrf.change.series import ChangeSeries, StateMap, compare_states
from consilience_xrf.change.shift import fit_shift
from consilience_xrf.simulation.forward import Beamline
from consilience_xrf.simulation.scene import Film, FilmState, film_truth
from consilience_xrf.simulation.states import Setting, maps

__all__ = ["ROWS"]

RIM = 0.5
STATES = 7
REACH = 0.35
"""um: most that a scan lies off."""
CHANGED = (
    FilmState(label="before"),
    FilmState(label="cycle 15", loss=0.1, migration=0.15, voids=3),
    FilmState(label="cycle 50", loss=0.18, migration=0.35, voids=7),
)


def _setting(model: str, seed: int) -> Setting:
    chance = np.random.default_rng((seed, 1))
    flux = 10 ** chance.uniform(7.5, 9.0)
    if model == "first":
        return Setting(
            film=Film(areal_density=2.145), others=(), beamline=Beamline(flux=100 * flux)
        )
    return Setting(others=(), beamline=Beamline(flux=flux, model="second"), drift=0.05)


def _states(model: str, seed: int, planted: bool) -> list[FilmState]:
    chance = np.random.default_rng((seed, 2))
    base = CHANGED if planted else [FilmState()] * STATES
    found = []
    for i, state in enumerate(base):
        shift = (0.0, 0.0) if i == 0 else tuple(chance.uniform(-REACH, REACH, 2).tolist())
        made: dict[str, object] = {"shift": shift, "monitor": float(chance.uniform(0.9, 1.1))}
        if model == "second" and planted:
            made["defocus"] = float(chance.uniform(0.0, 0.05))
        found.append(state.model_copy(update=made))
    return found


def _emitted(setting: Setting, state: FilmState, seed: int) -> float:
    """Counts of the whole field by a beam of one, without noise."""
    made = maps(setting, state, seed, told=False)
    return float((made.expected["Pt-La"] / made.measured.beam).sum())


def _map(setting: Setting, state: FilmState, seed: int, index: int) -> StateMap:
    made = maps(setting, state, seed, index, told=False)
    scale = setting.monitor_rate / made.measured.monitor
    counts = made.counts["Pt-La"] * scale
    variance = np.maximum(made.counts["Pt-La"], 1.0) * scale**2 + counts**2 * scale / (
        setting.monitor_rate
    )
    return StateMap(str(index), counts, variance, *setting.grid.axes(), "um")


@lru_cache(maxsize=2048)
def _still(model: str, seed: int) -> frozenset[str]:
    """Names of the tests that say a film without change has changed."""
    setting = _setting(model, seed)
    scans = [_map(setting, s, seed, i) for i, s in enumerate(_states(model, seed, False))]
    found = compare_states(scans, seed=seed)
    return frozenset(t.name for s in found.states for t in s.tests if t.changed)


def _alarm(which: str, model: str, seed: int) -> Outcome:
    names = _still(model, seed)
    return Outcome(happened=bool(names) if which == "any" else which in names)


@lru_cache(maxsize=2048)
def _planted(model: str, seed: int) -> tuple[tuple[str, float, float, float], ...]:
    """Name, deviation from what was planted, counting and whole error, of every number."""
    setting = _setting(model, seed)
    states = _states(model, seed, True)
    scans = [_map(setting, s, seed, i) for i, s in enumerate(states)]
    found = compare_states(scans, rim_width=RIM, seed=seed)
    return tuple(_deviations(setting, states, found, seed))


def _deviations(
    setting: Setting, states: list[FilmState], found: ChangeSeries, seed: int
) -> list[tuple[str, float, float, float]]:
    rows = []
    emitted = [_emitted(setting, state, seed) for state in states]
    for i, (state, seen) in enumerate(zip(states, found.states, strict=True)):
        truth = film_truth(setting.film, state, seed)
        for axis, name in enumerate(("centre_y", "centre_x")):
            truth[name] -= state.shift[axis]
        for name, number in seen.numbers.items():
            if name != "matter":
                rows.append(_row(f"{name} {i}", number, truth[name]))
        rows.append(_row(f"ratio {i}", seen.ratio, emitted[i] / emitted[0]))
        for axis, name in enumerate(("y", "x")):
            lies = (seen.shift.y, seen.shift.x)[axis] - state.shift[axis] / setting.grid.step
            own = math.sqrt(float(seen.shift.covariance[axis, axis]))
            rows.append((f"shift_{name} {i}", lies, own, seen.shift.std[axis]))
        if i:
            happened = any(t.changed for t in seen.tests)
            rows.append((f"told {i}", float(happened), 0.0, 0.0))
    return rows


def _row(name: str, number: Number, truth: float) -> tuple[str, float, float, float]:
    return name, number.value - truth, number.counting, number.std


def _one(name: str, model: str, seed: int) -> Outcome:
    for found, deviation, counting, whole in _planted(model, seed):
        if found == name:
            if whole == 0:
                return Outcome(pull_total=0.0 if deviation == 0 else math.inf)
            return Outcome(
                pull=deviation / counting if counting else None, pull_total=deviation / whole
            )
    return Outcome(reason="not told")


def _missed(name: str, model: str, seed: int) -> Outcome:
    told = {found: deviation for found, deviation, _, _ in _planted(model, seed)}
    return Outcome(happened=told[name] == 0)


def _shift_alone(axis: int, model: str, seed: int) -> Outcome:
    """Two scans of one film, at any flux: the shift's own errors."""
    setting = _setting(model, seed)
    first, second = _states(model, seed, False)[:2]
    scans = [_map(setting, s, seed, i) for i, s in enumerate((first, second))]
    found = fit_shift(scans[0].values, scans[1].values, (scans[0].variance, scans[1].variance))
    off = (found.y, found.x)[axis] - second.shift[axis] / setting.grid.step
    own = math.sqrt(float(found.covariance[axis, axis]))
    return Outcome(pull=off / own, pull_total=off / found.std[axis])


def _named(name: str, run: Callable[[str, str, int], Outcome], key: str) -> Row:
    kind = "both errors" if run is _one else "at most"
    return Row(name, kind, partial(run, key))  # type: ignore[arg-type]


ROWS = [
    _named(f"no change: {name}", _alarm, key)
    for name, key in (
        ("any alarm in a series of 7", "any"),
        ("alarm of the maps", "map"),
        ("alarm of the histograms", "histogram"),
    )
]
ROWS += [
    Row(f"two scans: shift along {name}", "both errors", partial(_shift_alone, axis))
    for axis, name in enumerate(("y", "x"))
]
ROWS += [
    _named(f"{state}: {words}", _one, f"{key} {index}")
    for key, words in (
        ("void_fraction", "void fraction"),
        ("edge_to_centre", "rim over core"),
        ("rim_share", "share in the rim"),
        ("centre_y", "centre along y"),
        ("centre_x", "centre along x"),
        ("spread", "spread"),
        ("ratio", "intensity over the first"),
        ("shift_y", "shift along y"),
    )
    for index, state in ((1, "cycle 15"), (2, "cycle 50"))
]
ROWS += [
    _named(f"cycle {s}: change not told", _missed, f"told {i}") for i, s in ((1, "15"), (2, "50"))
]
