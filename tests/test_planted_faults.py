"""Faults planted into a small twin are found, other noise raises nothing; a benchmark does all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.faults.tables import cut_down, small_twin
from benchmarks.faults.twin import Base, World
from benchmarks.planted_faults import FAULTS, rounds, scored, seed_results, signs_of

from consilience.registry import Registry
from consilience.workers import WorkerPool

FEW = (
    "lattice parameters off by 0.1 %",
    "lattice parameters off by 1 %",
)
SAMPLES = ("powder C",)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with WorkerPool() as workers:
        yield World(Registry.discover(), workers)


@pytest.mark.slow
def test_faults_of_a_powder_are_found_and_other_noise_is_none(world: World, tmp_path: Path) -> None:
    few = [fault for fault in FAULTS if fault.name in FEW]
    assert len(few) == len(FEW)
    other, base = (
        Base(world, seed, tmp_path / str(seed), cut_down(small_twin(seed), SAMPLES))
        for seed in (101, 1)
    )
    found = {r["fault"]: r for r in seed_results(base, tmp_path, few, other.answer)}
    below = found.pop("lattice parameters off by 0.1 %")
    assert below["found"] == []  # half the margin: nobody is asked to find it
    assert all(r["found"] for r in found.values()), found
    assert not any(r["alarm"] for r in [*found.values(), below])


def test_no_two_faults_of_one_study_touch_one_sample() -> None:
    made = rounds(FAULTS)
    assert sum(len(together) for together in made) == len(FAULTS) >= 40
    assert len({f.name for f in FAULTS}) == len(FAULTS)
    for together in made:
        touched = [sample for fault in together for sample in fault.group]
        assert len(touched) == len(set(touched))


def test_the_table_counts_what_was_found_apart_by_size() -> None:
    small, large = (next(f for f in FAULTS if f.size == size) for size in ("below", "beyond"))
    results = [
        {"seed": 1, "fault": small.name, "found": [], "alarm": []},
        {"seed": 1, "fault": large.name, "found": ["disagree: x"], "alarm": ["lost: y"]},
        {"seed": 2, "fault": large.name, "found": ["lost: x"], "alarm": []},
    ]
    lines = scored(results, [small, large])
    assert f"| {small.name} | {small.where} | below | 0 of 1 | 0.00 to 0.79 | 0 of 1 |  |" in lines
    assert "| 2 of 2 | 0.34 to 1.00 | 1 of 2 | disagree, lost |" in lines[3]
    assert "beyond: 2 of 2 found, 0.342 to 1.000" in lines
    assert "false alarms: 1 of 3, 0.061 to 0.792" in lines


def test_a_sign_counts_only_if_it_names_what_is_concerned() -> None:
    from benchmarks.faults.answers import Answer, Sign

    fault = next(f for f in FAULTS if f.name == "warmed in the suitcase")
    said = Sign("doubt", "custody.frozen-warmed", frozenset({"lamella"}))
    elsewhere = Sign("doubt", "custody.frozen-warmed", frozenset({"powder A"}))
    assert signs_of(fault, Answer({said}), Answer()) == ["doubt: custody.frozen-warmed"]
    assert signs_of(fault, Answer({said}), Answer({said})) == []
    assert signs_of(fault, Answer({elsewhere}), Answer()) == []
