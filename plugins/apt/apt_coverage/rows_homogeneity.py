"""False alarms of the tests of homogeneity, on needles that are homogeneous."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apt_coverage.judging import Outcome, Row
from apt_coverage.needles import drawn, needle
from consilience_apt.homogeneity import (
    HomogeneityResult,
    adjacent_table,
    adjacent_test,
    detection_blocks,
    dispersion_test,
    frequency_test,
    neighbour_test,
    radial_test,
    spatial_blocks,
)
from consilience_apt.simulation import Layer, SimulatedIons

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ROWS"]

LAYER = Layer(name="alloy", thickness=20.0, top={"Al+": 0.7, "Ni+": 0.3})
RADII = np.arange(0.0, 3.01, 0.5)
SPECIES = 1
"""Nickel."""


def _needle(model: str, seed: int, ions: int) -> tuple[SimulatedIons, NDArray[np.bool_]]:
    params = needle(model, (LAYER,), ions=ions)
    found = drawn(params, seed)
    return found, found.species == SPECIES


def _outcome(result: HomogeneityResult) -> Outcome:
    return Outcome(p_value=result.p_value, reason=result.reason or "")


def _frequency(model: str, seed: int) -> Outcome:
    ions, solute = _needle(model, seed, 2500)
    return _outcome(frequency_test(spatial_blocks(ions.positions, solute, 30), 199, seed))


def _dispersion(model: str, seed: int) -> Outcome:
    ions, solute = _needle(model, seed, 2500)
    return _outcome(dispersion_test(spatial_blocks(ions.positions, solute, 30)))


def _dispersion_in_order(model: str, seed: int) -> Outcome:
    _, solute = _needle(model, seed, 2500)
    return _outcome(dispersion_test(detection_blocks([solute], 30)))


def _neighbours(model: str, seed: int) -> Outcome:
    ions, solute = _needle(model, seed, 500)
    return _outcome(neighbour_test(ions.positions, solute, 1, 39, seed))


def _radial(model: str, seed: int) -> Outcome:
    ions, solute = _needle(model, seed, 500)
    return _outcome(radial_test(ions.positions, solute, RADII, 39, seed)[0])


def _adjacent(model: str, seed: int) -> Outcome:
    _, solute = _needle(model, seed, 2500)
    return _outcome(adjacent_test(adjacent_table([(solute, None)], 2)))


def _adjacent_single(model: str, seed: int) -> Outcome:
    ions, solute = _needle(model, seed, 2500)
    return _outcome(adjacent_test(adjacent_table([(solute, ions.pulses_since == 0)], 2)))


ROWS = [
    Row("frequency distribution, blocks in space", "false alarm", _frequency),
    Row("dispersion, blocks in space", "false alarm", _dispersion),
    Row("dispersion, consecutive detections", "false alarm", _dispersion_in_order),
    Row("nearest neighbours", "false alarm", _neighbours),
    Row("radial distribution", "false alarm", _radial),
    Row("adjacent detections", "false alarm", _adjacent),
    Row("adjacent detections, without pairs of one pulse", "false alarm", _adjacent_single),
]
