"""Pulls of what is taken from the mass spectrum: background and overlaps."""

from __future__ import annotations

import numpy as np

from apt_coverage.judging import Outcome, Row
from apt_coverage.needles import drawn, needle, ranges, source
from consilience_apt.amounts.overlaps import solve_overlap
from consilience_apt.ions import Ion
from consilience_apt.masses.background import (
    falling_background,
    flight_background,
    local_background,
    quiet_windows,
    with_model_spread,
)
from consilience_apt.masses.spectrum import measure_spectrum
from consilience_apt.simulation import Layer, NeedleParams, lines_of
from consilience_apt.simulation.lines import background_below, peak_below

__all__ = ["ROWS", "expected_in_ranges"]

MIXED = (Layer(name="alloy", thickness=20.0, top={"Cr+": 0.5, "Fe+": 0.5}),)
NITRIDE = (Layer(name="nitride", thickness=20.0, top={"Si+": 0.8, "N2+": 0.2}),)
PLAIN = (Layer(name="alloy", thickness=20.0, top={"Al+": 0.97, "Ni+": 0.03}),)
TENTH = 2.2
"""Width at a tenth of the maximum over that at half: 1.82 for a Gaussian, more with tails."""


def _share(params: NeedleParams, seed: int, second: float) -> Outcome:
    """The second ion's share of an overlap of two."""
    spectrum = measure_spectrum(source(drawn(params, seed)), width=0.01, high=params.longest_mass)
    ions = [Ion.parse(name) for name in params.species]
    found = solve_overlap(spectrum, ions, params.resolution / TENTH)
    counts = [share.counts for share in found.shares]
    if counts[0] is None or counts[1] is None or found.covariance is None:
        return Outcome(reason="the system of ratios has no rank")
    total = counts[0] + counts[1]
    share = counts[1] / total
    slope = np.array([-share, 1.0 - share]) / total
    both = found.covariance + (0.0 if found.systematic is None else found.systematic)
    return Outcome(
        pull=float((share - second) / np.sqrt(slope @ found.covariance @ slope)),
        pull_total=float((share - second) / np.sqrt(slope @ both @ slope)),
    )


def _overlap(model: str, seed: int) -> Outcome:
    """Where ⁵⁴Cr and ⁵⁴Fe lie on each other, over a background."""
    return _share(needle(model, MIXED, ions=2000, background=0.1), seed, 0.5)


def _tails(model: str, seed: int) -> Outcome:
    """Late ions of ²⁸Si lie where its other isotopes and those of N₂ are."""
    params = needle(model, NITRIDE, ions=10_000, background=0.1, tail=0.3, tail_length=0.008)
    return _share(params, seed, 0.2)


def expected_in_ranges(params: NeedleParams) -> tuple[np.ndarray, np.ndarray]:
    """Return the ions and the background ions expected in each range, for a layer of one sort."""
    table = ranges(params)
    edges = table.edges
    peaks = np.zeros(len(edges))
    (layer,) = params.layers
    total = sum(layer.top.values())
    for name, share in layer.top.items():
        lines = lines_of(name)
        for mass, abundance in zip(lines.mass, lines.abundance, strict=True):
            inside = np.diff(peak_below(params, float(mass), edges), axis=1)[:, 0]
            peaks += share / total * abundance * inside
    floor = np.diff(background_below(params, edges), axis=1)[:, 0]
    return (
        params.ions * (1.0 - params.background) * peaks,
        params.ions * params.background * floor,
    )


def _net_counts(model: str, seed: int) -> Outcome:
    """Counts of a weak species' ranges less the background, against what was expected there."""
    params = needle(model, PLAIN, ions=6000, background=0.2)
    table = ranges(params)
    spectrum = measure_spectrum(
        source(drawn(params, seed)), table, width=0.01, high=params.longest_mass
    )
    assert spectrum.ranged is not None
    quiet = quiet_windows(spectrum, table)
    found = with_model_spread(
        falling_background(spectrum, table.edges, quiet),
        flight_background(spectrum, table.edges, quiet),
        local_background(spectrum, table.edges),
    )
    weak = np.array([one.ion is not None and one.ion.formula == "Ni" for one in table.ranges])
    counts = float(spectrum.ranged[weak].sum())
    net = counts - float(found.expected[weak].sum())
    stat = counts + float(found.covariance[np.ix_(weak, weak)].sum())
    assert found.systematic is not None
    systematic = float(found.systematic[np.ix_(weak, weak)].sum())
    away = net - float(expected_in_ranges(params)[0][weak].sum())
    return Outcome(pull=away / stat**0.5, pull_total=away / (stat + systematic) ** 0.5)


ROWS = [
    Row("overlap ⁵⁴Cr/⁵⁴Fe: share of Fe over background", "pull with systematic", _overlap),
    Row("overlap Si⁺/N₂⁺, three ions of ten in long tails", "both errors", _tails),
    Row("net counts of a weak species over background", "pull with systematic", _net_counts),
]
