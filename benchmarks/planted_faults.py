"""Faults planted into a twin: which are found, and what does a clean one raise?

The twin is a study of simulated files like the demonstration's, with few points, in which each
technique that gives numbers measures twice.  A fault is put where it acts: into a file, its header
or its range file, into what the study file says of samples, states, times and steps, into a
sensor's log, into a parameter, or into what is stored.  What depends on it is simulated with new
noise, read and analysed anew.  *Found*: the study says something against the sample or file that is
concerned, of the kind that the fault should raise, and the clean twin of that seed does not.
*False alarm*: the same is said of a clean twin with other noise.

Faults on different samples are planted into one study together, which changes nothing for either
but the number of disagreements among which the false discovery rate is held.

    python -m benchmarks.planted_faults [REPEATS] [SEED] [RESULTS.jsonl]

A file of results is added to, and what is in it is not done again.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks._wilson import wilson
from benchmarks.faults import chain, powders, solids
from benchmarks.faults.answers import Answer, new_signs
from benchmarks.faults.fault import Fault
from benchmarks.faults.tables import Tables, small_twin
from benchmarks.faults.twin import Base, World
from consilience.registry import Registry
from consilience.workers import WorkerPool
from consilience.workers.limits import Limits

__all__ = ["FAULTS", "main", "rounds", "run_faults", "scored", "seed_results"]

FAULTS: tuple[Fault, ...] = (*powders.FAULTS, *solids.FAULTS, *chain.FAULTS)


def rounds(faults: Iterable[Fault]) -> list[list[Fault]]:
    """Return faults in groups that touch different samples."""
    made: list[list[Fault]] = []
    for fault in faults:
        free = (
            r
            for r in made
            if not {g for other in r for g in other.group} & set(fault.group)
            and len({f.verify for f in (*r, fault)}) == 1
        )
        into = next(free, None)
        if into is None:
            made.append([fault])
        else:
            into.append(fault)
    return made


def signs_of(fault: Fault, answer: Answer, clean: Answer) -> list[str]:
    """Return in words what an answer says of a fault that a clean one does not."""
    found = new_signs(answer, clean, fault.names, fault.signs)
    return [str(sign) for sign in found if re.search(fault.about, sign.about)]


def seed_results(
    base: Base,
    folder: Path,
    faults: Sequence[Fault],
    other: Answer | None,
    done: Collection[str] = (),
) -> Iterator[dict[str, Any]]:
    """Plant faults into a clean twin, and say in turn what is found of each.

    `other` is the answer of a clean twin with other noise, against which false alarms are counted;
    faults whose names are `done` are left out.
    """
    for number, together in enumerate(rounds(faults)):
        if all(fault.name in done for fault in together):
            continue
        claims = base.claims(number)
        for fault in together:
            fault.plant(claims)
        verify = any(f.verify for f in together)
        answer = base.trial(claims, folder / f"{base.seed}-{number}", verify)
        for fault in together:
            if fault.name not in done:
                yield {
                    "seed": base.seed,
                    "fault": fault.name,
                    "found": signs_of(fault, answer, base.answer),
                    "alarm": None if other is None else signs_of(fault, base.answer, other),
                }


def scored(results: Sequence[dict[str, Any]], faults: Sequence[Fault] = FAULTS) -> list[str]:
    """Return the lines of a Markdown table and of a summary."""
    lines = [
        "| planted | where it acts | size | found | 95 % interval | false alarms | by |",
        "|---|---|---|---|---|---|---|",
    ]
    total = {size: [0, 0] for size in ("hidden", "below", "at", "beyond")}
    alarms = [0, 0]
    for fault in faults:
        mine = [r for r in results if r["fault"] == fault.name]
        if not mine:
            continue
        hits, of = sum(bool(r["found"]) for r in mine), len(mine)
        clean = [r for r in mine if r["alarm"] is not None]
        false = sum(bool(r["alarm"]) for r in clean)
        total[fault.size][0] += hits
        total[fault.size][1] += of
        alarms[0] += false
        alarms[1] += len(clean)
        low, high = wilson(hits, of)
        cells = [
            fault.name,
            fault.where,
            fault.size,
            f"{hits} of {of}",
            f"{low:.2f} to {high:.2f}",
            f"{false} of {len(clean)}",
            _most(mine),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    for size, (hits, of) in total.items():
        if of:
            low, high = wilson(hits, of)
            lines.append(f"{size}: {hits} of {of} found, {low:.3f} to {high:.3f}")
    if alarms[1]:
        low, high = wilson(*alarms)
        lines.append(f"false alarms: {alarms[0]} of {alarms[1]}, {low:.3f} to {high:.3f}")
    return lines


def _most(mine: Sequence[dict[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for result in mine:
        for word in {s.split(":")[0] for s in result["found"]}:
            counts[word] = counts.get(word, 0) + 1
    return ", ".join(sorted(counts, key=lambda w: (-counts[w], w)))


def run_faults(
    faults: Sequence[Fault],
    tables: Callable[[int], Tables],
    repeats: int,
    seed: int,
    kept: Path | None = None,
) -> list[dict[str, Any]]:
    """Plant faults into the twins of so many seeds; results are kept line by line in a file."""
    results: list[dict[str, Any]] = []
    if kept is not None and kept.exists():
        results = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    # a busy machine is nothing that a study should speak of
    with WorkerPool(Limits(time=1200.0, start=600.0)) as workers:
        world = World(Registry.discover(), workers)
        other: Answer | None = None
        for one in range(seed, seed + repeats):
            done = {r["fault"] for r in results if r["seed"] == one}
            if done.issuperset(f.name for f in faults):
                continue
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                if other is None:
                    other = Base(world, 100 + one, folder / "other", tables(100 + one)).answer
                base = Base(world, one, folder / "clean", tables(one))
                for result in seed_results(base, folder, faults, other, done):
                    results.append(result)
                    if kept is not None:
                        with kept.open("a", encoding="utf-8") as lines:
                            lines.write(json.dumps(result) + "\n")
                other = base.answer
            print(f"seed {one} done", file=sys.stderr, flush=True)
    return results


def main(repeats: int = 20, seed: int = 1, kept: Path | None = None) -> None:
    """Run all faults and print the table."""
    print("\n".join(scored(run_faults(FAULTS, small_twin, repeats, seed, kept))))


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 20,
        int(sys.argv[2]) if len(sys.argv) > 2 else 1,
        Path(sys.argv[3]) if len(sys.argv) > 3 else None,
    )
