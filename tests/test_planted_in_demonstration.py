"""Faults planted into the demonstration's own studies, four times each; a benchmark does all."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.faults.answers import Answer
from benchmarks.faults.fault import Fault
from benchmarks.faults.tables import cut_down, demonstration
from benchmarks.faults.twin import Base, Claims, World
from benchmarks.planted_faults import rounds, scored, seed_results
from benchmarks.planted_in_demonstration import FAULTS

from consilience.registry import Registry
from consilience.study.study_file import StudyFile
from consilience.workers import WorkerPool

ALL = [(study, fault) for study, faults in FAULTS.items() for fault in faults]
SAMPLES = ("powder A", "published")
FEW = (
    "phase swapped in one technique (Li2O for Li2CO3)",
    "entered value mistyped (0.9403 for 0.4903)",
    "entered value mistyped (41412 for 14412)",
    "unit mistaken: mole fractions entered as mass fractions",
)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with WorkerPool() as workers:
        yield World(Registry.discover(), workers)


@pytest.mark.slow
def test_faults_of_powder_and_entered_values_are_found_in_four_repeats(
    world: World, tmp_path: Path
) -> None:
    few = [fault for fault in FAULTS["ptanode"] if fault.name in FEW]
    assert len(few) == len(FEW)
    other: Answer | None = None
    results: list[dict[str, Any]] = []
    for seed in range(5):
        tables = cut_down(demonstration("ptanode"), SAMPLES)
        base = Base(world, seed, tmp_path / str(seed), tables)
        if other is not None:
            results += seed_results(base, tmp_path, few, other)
        other = base.answer
    lines = scored(results, few)
    assert "beyond: 16 of 16 found, 0.806 to 1.000" in lines, results
    assert "false alarms: 0 of 16, 0.000 to 0.194" in lines, results


@pytest.mark.parametrize(("study", "fault"), ALL, ids=[fault.name for _, fault in ALL])
def test_each_fault_changes_something_that_a_study_file_may_say(study: str, fault: Fault) -> None:
    tables = demonstration(study)
    plan, logs, claimed = copy.deepcopy((tables.plan, tables.logs, tables.study))
    claims = Claims(np.random.default_rng(1), plan, logs, claimed)
    fault.plant(claims)
    told = (claims.plan, claims.logs, claims.study)
    assert told != (tables.plan, tables.logs, tables.study) or claims.edits or claims.stored
    StudyFile.model_validate(claims.study)
    files = {t["file"] for t in tables.study["measurement"]} | set(logs) | {"needle/needle.rrng"}
    assert {file for file, _ in claims.edits} <= files


def test_faults_have_names_of_their_own_and_touch_other_samples_than_their_neighbours() -> None:
    names = [fault.name for _, fault in ALL]
    assert len(set(names)) == len(names) >= 40
    for faults in FAULTS.values():
        for together in rounds(faults):
            touched = [part for fault in together for part in fault.group]
            assert len(touched) == len(set(touched))
