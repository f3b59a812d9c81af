"""Pulls of compositions: raw, of molecular ions, over background.

A composition is held against what the ranges were expected to hold, so that what a range cuts off
is not taken for an error of counting.
"""

from __future__ import annotations

from functools import lru_cache

from apt_coverage.judging import Outcome, Row
from apt_coverage.needles import drawn, needle, ranges, source
from apt_coverage.rows_spectrum import expected_in_ranges
from consilience_apt.amounts.composition import Composition, compose
from consilience_apt.amounts.systematics import multiples_term
from consilience_apt.masses.background import (
    falling_background,
    flight_background,
    local_background,
    quiet_windows,
    with_model_spread,
)
from consilience_apt.masses.multiples import measure_hits
from consilience_apt.masses.spectrum import measure_spectrum
from consilience_apt.simulation import Layer, NeedleParams

__all__ = ["ROWS"]

PLAIN = (Layer(name="alloy", thickness=20.0, top={"Al+": 0.7, "Ni+": 0.3}),)
LOSSY = (Layer(name="alloy", thickness=20.0, top={"Al+": 0.8, "Ni+": 0.2}),)
TRACE = (Layer(name="alloy", thickness=20.0, top={"Al+": 0.98, "Ni+": 0.02}),)
OXIDE = (
    Layer(
        name="oxide",
        thickness=20.0,
        top={"Al+": 0.4, "AlO+": 0.25, "Al2O+": 0.1, "O+": 0.2, "O2+": 0.05},
    ),
)


@lru_cache(maxsize=16)
def _expected(text: str, element: str) -> float:
    """Return the atomic fraction of what the ranges are expected to hold without background."""
    params = NeedleParams.model_validate_json(text)
    peaks, _ = expected_in_ranges(params)
    found = compose(ranges(params), peaks).atomic
    return float(found.values[found.names.index(element)])


def _pull(params: NeedleParams, found: Composition, element: str) -> Outcome:
    at = found.atomic.names.index(element)
    away = float(found.atomic.values[at]) - _expected(params.model_dump_json(), element)
    stat = float(found.atomic.stat[at, at])
    sys = 0.0 if found.atomic.sys is None else float(found.atomic.sys[at, at])
    return Outcome(pull=away / stat**0.5, pull_total=away / (stat + sys) ** 0.5)


def _raw(layers: tuple[Layer, ...], element: str, model: str, seed: int) -> Outcome:
    params = needle(model, layers, ions=2000)
    table = ranges(params)
    spectrum = measure_spectrum(source(drawn(params, seed)), table, high=params.longest_mass)
    assert spectrum.ranged is not None
    return _pull(params, compose(table, spectrum.ranged), element)


def _corrected(layers: tuple[Layer, ...], element: str, model: str, seed: int) -> Outcome:
    params = needle(model, layers, ions=4000, background=0.2)
    table = ranges(params)
    spectrum = measure_spectrum(source(drawn(params, seed)), table, high=params.longest_mass)
    assert spectrum.ranged is not None
    quiet = quiet_windows(spectrum, table)
    background = with_model_spread(
        falling_background(spectrum, table.edges, quiet),
        flight_background(spectrum, table.edges, quiet),
        local_background(spectrum, table.edges),
    )
    return _pull(params, compose(table, spectrum.ranged, background), element)


def _plain(model: str, seed: int) -> Outcome:
    return _raw(PLAIN, "Ni", model, seed)


def _molecular(model: str, seed: int) -> Outcome:
    return _raw(OXIDE, "O", model, seed)


def _over_background(model: str, seed: int) -> Outcome:
    return _corrected(PLAIN, "Ni", model, seed)


def _trace_over_background(model: str, seed: int) -> Outcome:
    return _corrected(TRACE, "Ni", model, seed)


def _lossy(model: str, seed: int) -> Outcome:
    """Half of the like ions of a pulse are lost; single hits say how much that may be."""
    loss = 0.5 if model == "second" else 0.0
    params = needle(model, LOSSY, ions=4000, multiples=0.3, like_loss=loss)
    table = ranges(params)
    ions = source(drawn(params, seed))
    hits = measure_hits(ions, table)
    assert hits.single is not None
    assert hits.multiple is not None
    counts = (hits.single + hits.multiple)[1:]
    term = multiples_term(counts, hits.single[1:])
    return _pull(params, compose(table, counts, terms=[term]), "Ni")


ROWS = [
    Row("composition of 2000 ions", "pull", _plain),
    Row("composition with molecular ions", "pull", _molecular),
    Row("composition, half of like ions of a pulse lost", "pull with systematic", _lossy),
    Row("composition, background subtracted", "pull with systematic", _over_background),
    Row("2 at.% in 20 % background, subtracted", "pull with systematic", _trace_over_background),
]
