"""Edges: net counts in sums and in pixels, fractions, and how often an edge is claimed."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr

from consilience.model.finding import FindingDraft
from consilience.model.sample import Sample
from consilience.testing.coverage import Outcome, Row
from consilience_eels.edges.intensity import Noise, edge_counts
from consilience_eels.edges.linear import linear_edge, map_linear
from consilience_eels.findings.edges_params import EdgesParams
from consilience_eels.findings.edges_run import run_edges
from eels_coverage.edge_models import (
    AXIS,
    BEAM,
    EXCESS,
    GAIN,
    READOUT,
    WINDOWS,
    Array,
    drawn,
    planted,
)

__all__ = ["ROWS"]

CONTEXT: Any = SimpleNamespace(sample=Sample(id="sample"))
OXYGEN = (("O_K", 8.0),)
BOTH = (("N_K", 4.0), ("O_K", 8.0))
SECTION = 0.10
"""Relative standard deviation of cross sections, stated and drawn."""


def _gain(model: str) -> float:
    """Counts of one electron as a calibration finds it: variance over mean of the counts."""
    return GAIN if model == "first" else GAIN * EXCESS


def _findings(counts: Array, model: str, *edges: str, gain: object = None) -> list[FindingDraft]:
    data = xr.Dataset(
        {"counts": (("energy_loss",), counts, {"units": "count"})},
        {"energy_loss": ("energy_loss", AXIS.energy, {"units": "eV"})},
    )
    spectrum: Any = SimpleNamespace(
        data=data, modality="eels", metadata={}, record=SimpleNamespace(name="spectrum", notices=())
    )
    params = EdgesParams.model_validate(
        {
            "windows": {e: (*WINDOWS[e][0], *WINDOWS[e][1]) for e in edges},
            "counts_per_electron": gain or _gain(model),
            "readout_std": READOUT,
            "cross_section_std": SECTION,
            "beam_energy": BEAM[0],
            "convergence_angle": BEAM[1],
            "collection_angle": BEAM[2],
        }
    )
    return list(run_edges([spectrum], params, CONTEXT).findings)


def _intensity(model: str, seed: int, level: float, gain: object = None) -> Outcome:
    chance = np.random.default_rng((seed, 1))
    moved = float(chance.normal(0.0, 0.7)) if model == "second" else 0.0
    made = planted(model, level, OXYGEN, moved)
    found = _findings(drawn(made, model, chance)[0], model, "O_K", gain=gain)[0]
    if found.value is None or found.std_stat is None or found.std is None:
        return Outcome(reason=found.reason or "no counting error")
    away = found.value - made.counts("O_K")
    return Outcome(pull=away / found.std_stat, pull_total=away / found.std)


def _of_a_sum(model: str, seed: int) -> Outcome:
    return _intensity(model, seed, 2e4)


def _gain_estimated(model: str, seed: int) -> Outcome:
    return _intensity(model, seed, 2e4, "estimate")


def _of_a_pixel(model: str, seed: int) -> Outcome:
    """Sixteen electrons in a channel: what a pixel of a map has."""
    return _intensity(model, seed, 16.0)


def _shared_exponents(model: str, seed: int) -> Outcome:
    """One of 64 pixels, with the exponents and the weights of their sum."""
    chance = np.random.default_rng((seed, 2))
    made = planted(model, 16.0, OXYGEN)
    spectra = drawn(made, model, chance, 64)
    noise = Noise(_gain(model), READOUT**2)
    edge = linear_edge(AXIS, spectra.mean(axis=0), *WINDOWS["O_K"], (2.75, 3.25))
    net, std, _ = map_linear(spectra[:1], edge, noise)
    form = edge_counts(AXIS, spectra.mean(axis=0)[None], *WINDOWS["O_K"], noise).form_std[0]
    away = float(net[0]) - made.counts("O_K")
    return Outcome(pull=away / float(std[0]), pull_total=away / float(np.hypot(std[0], form)))


def _drawn_both(model: str, chance: np.random.Generator) -> tuple[Array, Array, float]:
    """Counts with noise and without, and the planted fraction of oxygen."""
    scatter = np.exp(SECTION * chance.normal(size=2))
    atoms = tuple((e, float(n * f)) for (e, n), f in zip(BOTH, scatter, strict=True))
    moved = float(chance.normal(0.0, 0.7)) if model == "second" else 0.0
    made = planted(model, 5e4, atoms, moved)
    return drawn(made, model, chance)[0], GAIN * made.whole, BOTH[1][1] / (BOTH[0][1] + BOTH[1][1])


def _oxygen(counts: Array, model: str) -> FindingDraft | None:
    found = _findings(counts, model, "N_K", "O_K")
    return next(
        (f for f in found if f.kind == "composition" and f.subject and f.subject.element == "O"),
        None,
    )


def _fraction_counting(model: str, seed: int) -> Outcome:
    counts, clean, _ = _drawn_both(model, np.random.default_rng((seed, 3)))
    found, expected = _oxygen(counts, model), _oxygen(clean, model)
    if found is None or expected is None or found.value is None or not found.std_stat:
        return Outcome(reason="an edge was not found")
    assert expected.value is not None
    return Outcome(pull=(found.value - expected.value) / found.std_stat)


def _fraction(model: str, seed: int) -> Outcome:
    counts, _, truth = _drawn_both(model, np.random.default_rng((seed, 4)))
    found = _oxygen(counts, model)
    if found is None or found.value is None or not found.std:
        return Outcome(reason="an edge was not found")
    return Outcome(pull_total=(found.value - truth) / found.std)


def _status(counts: Array, model: str) -> FindingDraft:
    return next(f for f in _findings(counts, model, "O_K") if f.kind == "element")


def _false_present(model: str, seed: int) -> Outcome:
    """Oxygen said to be there, where there is none."""
    chance = np.random.default_rng((seed, 5))
    found = _status(drawn(planted(model, 300.0, ()), model, chance)[0], model)
    if found.status == "not_observable":
        return Outcome(happened=False)
    return Outcome(happened=found.status == "present")


def _missed_at_the_limit(model: str, seed: int) -> Outcome:
    """Oxygen at the limit that a spectrum without any states, said to be absent."""
    chance = np.random.default_rng((seed, 6))
    empty = _status(drawn(planted(model, 300.0, ()), model, chance)[0], model)
    if "limit_counts" not in empty.evidence:
        return Outcome(reason=empty.reason or "")
    limit = float(str(empty.evidence["limit_counts"]))
    one = planted(model, 300.0, (("O_K", 1.0),))
    there = planted(model, 300.0, (("O_K", round(limit / one.counts("O_K"), 3)),))
    found = _status(drawn(there, model, chance)[0], model)
    return Outcome(happened=found.status != "present")


ROWS = [
    Row("edge counts of a sum", "pull with systematic", _of_a_sum),
    Row("edge counts of a sum, gain estimated", "both errors", _gain_estimated),
    Row("edge counts of a pixel of 16 electrons a channel", "pull with systematic", _of_a_pixel),
    Row("edge counts of a pixel, exponents shared", "pull with systematic", _shared_exponents),
    Row("fraction of O beside N, counting", "pull", _fraction_counting),
    Row("fraction of O beside N, all errors", "both errors", _fraction),
    Row("an edge that is not there, called present", "at most", _false_present),
    Row("an edge at the stated limit, called absent", "at most", _missed_at_the_limit),
]
