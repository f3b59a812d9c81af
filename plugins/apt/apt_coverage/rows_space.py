"""Pulls of profiles, interfaces and excess."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from apt_coverage.judging import Outcome, Row
from apt_coverage.needles import drawn, needle, ranges, source
from consilience_apt.simulation import (
    Layer,
    profile_truth,
)
from consilience_apt.space.excess import gibbs_excess
from consilience_apt.space.interface import InterfaceFit, fit_interface
from consilience_apt.space.profile import profile
from consilience_apt.space.segmentation import Segmentation, segment_profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ROWS"]

GRADIENT = (
    Layer(
        name="gradient",
        thickness=20.0,
        top={"Al+": 0.9, "Ni+": 0.1},
        bottom={"Al+": 0.3, "Ni+": 0.7},
    ),
)
STEP = (
    Layer(name="above", thickness=10.0, top={"Al+": 0.8, "Ni+": 0.2}, blur=1.0),
    Layer(name="below", thickness=10.0, top={"Al+": 0.3, "Ni+": 0.7}),
)
FILM = (
    Layer(name="above", thickness=8.0, top={"Al+": 0.8, "Ni+": 0.15, "Cu+": 0.05}, blur=0.3),
    Layer(name="film", thickness=2.0, top={"Al+": 0.55, "Ni+": 0.20, "Cu+": 0.25}, blur=0.3),
    Layer(name="below", thickness=8.0, top={"Al+": 0.3, "Ni+": 0.6, "Cu+": 0.10}),
)
AREA = 314.159


def _profile_bin(model: str, seed: int) -> Outcome:
    """One bin of ten, another in each repeat."""
    params = needle(model, GRADIENT, ions=2000)
    made = profile(source(drawn(params, seed)), ranges(params), "z", 2.0)
    found = made.fraction("Ni")
    place = seed % len(found.value)
    low, high = -made.edges[place + 1], -made.edges[place]
    (truth,) = profile_truth(params, _edges(low, high))
    pull = (found.value[place] - truth["Ni"]) / found.std_stat[place]
    return Outcome(pull=float(pull))


@lru_cache(maxsize=2000)
def _step(model: str, seed: int, ions: int) -> InterfaceFit:
    params = needle(model, STEP, ions=ions)
    made = profile(source(drawn(params, seed)), ranges(params), "z", 0.5)
    return fit_interface(made, "Ni", simulations=0)[0]


def _interface(model: str, seed: int) -> Outcome:
    best = _step(model, seed, 8000)
    return Outcome(pull=(best.location + 10.0) / best.location_std_stat)


def _interface_of_few(model: str, seed: int) -> Outcome:
    best = _step(model, seed, 2000)
    return Outcome(pull=(best.location + 10.0) / best.location_std_stat)


def _interface_before(model: str, seed: int) -> Outcome:
    best = _step(model, seed, 8000)
    if best.before_std_stat is None:
        return Outcome(reason="at a bound")
    return Outcome(pull=(best.before - 0.7) / best.before_std_stat)


def _steps(share: float, place: float, blur: float) -> tuple[Layer, ...]:
    return (
        Layer(
            name="above",
            thickness=place,
            top={"Al+": 1.0 - share, "Ni+": share},
            blur=blur,
        ),
        Layer(name="below", thickness=20.0 - place, top={"Al+": share, "Ni+": 1.0 - share}),
    )


@lru_cache(maxsize=2000)
def _changed(
    model: str, seed: int, ions: int, share: float, blur: float
) -> tuple[float, Segmentation]:
    """A step somewhere in the middle, another place in each repeat."""
    place = round(9.5 + seed * 0.6180339 % 1.0, 4)
    params = needle(model, _steps(share, place, blur), ions=ions)
    made = profile(source(drawn(params, seed)), ranges(params), "z", 0.5)
    return -place, segment_profile(made, "Ni", most_changes=2)


def _held(place: float, found: Segmentation) -> Outcome:
    if len(found.change_points) != 1:
        return Outcome(inside=False)
    low, high = found.change_points[0].interval
    return Outcome(inside=low <= place <= high)


def _pulled(place: float, found: Segmentation) -> Outcome:
    if len(found.change_points) != 1 or found.change_points[0].diffuse is None:
        return Outcome(reason="not found as one step")
    point = found.change_points[0]
    return Outcome(pull=(point.position - place) / point.std_stat)


def _sharp(model: str, seed: int) -> Outcome:
    return _held(*_changed(model, seed, 2000, 0.4, 0.0))


def _diffuse(model: str, seed: int) -> Outcome:
    return _held(*_changed(model, seed, 4000, 0.3, 1.0))


def _diffuse_pull(model: str, seed: int) -> Outcome:
    return _pulled(*_changed(model, seed, 4000, 0.3, 1.0))


def _excess(model: str, seed: int) -> Outcome:
    """Copper at an interface, against what the planted profile holds beyond its two phases."""
    params = needle(model, FILM, ions=4000)
    made = profile(source(drawn(params, seed)), ranges(params), "z", 0.5)
    found = gibbs_excess(
        made,
        "Cu",
        zone=(-12.0, -6.0),
        before=(-18.0, -12.0),
        after=(-6.0, 0.0),
        location=-9.0,
        location_std=0.0,
        area=AREA,
    )
    ions = made.counts.ions.sum(axis=1)
    middle = -made.centres
    zone = (middle > 6.0) & (middle < 12.0)
    # the ions that were there, each with the composition that was planted at its depth
    planted = 0.0
    for depth, number in zip(middle[zone], ions[zone], strict=True):
        (truth,) = profile_truth(params, _edges(float(depth) - 0.25, float(depth) + 0.25))
        planted += float(number) * (truth["Cu"] - (0.05 if depth < 9.0 else 0.10))
    ranged = float(made.counts.ranged[zone].sum()) / float(ions[zone].sum())
    return Outcome(pull=(found.atoms - planted * ranged) / found.atoms_std_counting)


def _edges(low: float, high: float) -> NDArray[np.float64]:
    return np.array([low, high])


ROWS = [
    Row("profile: a bin of 200 ions", "pull", _profile_bin),
    Row("interface: location, 8000 ions", "pull", _interface),
    Row("interface: location, 2000 ions", "pull", _interface_of_few),
    Row("interface: composition beside it", "pull", _interface_before),
    Row("interfacial excess", "pull", _excess),
    Row("change point: 68.3 % interval", "interval", _sharp),
    Row("change point of a diffuse step: 68.3 % interval", "interval", _diffuse),
    Row("change point of a diffuse step", "pull", _diffuse_pull),
]
