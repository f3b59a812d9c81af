"""Faults planted into the demonstration's own studies, in which each technique measures once.

As `benchmarks.planted_faults` does it, but nothing stands beside a wrong file that measures the
same: other techniques, controls, states, the chain, rules, readers and analyses have to tell.

    python -m benchmarks.planted_in_demonstration [REPEATS] [SEED] [FOLDER]

The folder keeps results for each study; what is in it is not done again.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from benchmarks.faults import lithium_cell, platinum
from benchmarks.faults.fault import Fault
from benchmarks.faults.tables import demonstration
from benchmarks.planted_faults import run_faults, scored

__all__ = ["FAULTS", "main"]

FAULTS: dict[str, tuple[Fault, ...]] = {"ptanode": platinum.FAULTS, "xcsct": lithium_cell.FAULTS}


def main(repeats: int = 20, seed: int = 1, kept: Path | None = None) -> None:
    """Run all faults of both studies and print a table for each and one of all."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
    everything = []
    for study, faults in FAULTS.items():
        file = None if kept is None else kept / f"{study}.jsonl"
        results = run_faults(faults, partial(demonstration, study), repeats, seed, file)
        print("\n".join([f"## {study}", *scored(results, faults)]))
        everything += results
    print("\n".join(["## both", *scored(everything, [f for one in FAULTS.values() for f in one])]))


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 20,
        int(sys.argv[2]) if len(sys.argv) > 2 else 1,
        Path(sys.argv[3]) if len(sys.argv) > 3 else None,
    )
