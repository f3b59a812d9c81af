"""How often are unrelated profiles taken for related, and related ones seen?

Pairs of simulated profiles of 16 to 200 points along one line, with noise, through the whole
comparison: p below 0.05, each answer, and how many were told to run the other way or to be too
smooth for an answer.

    python -m benchmarks.profile_verdicts [PAIRS] [SEED]
"""

from __future__ import annotations

import sys
from collections import Counter

from benchmarks._wilson import in_percent
from benchmarks.verdicts import profiles
from consilience.model.verdict import Answer

__all__ = ["main"]

ANSWERS: tuple[Answer, ...] = ("consistent", "disagree", "undecided")
HEAD = ("profiles", "true correlation", "p < 0.05", *ANSWERS, "other end", "too smooth")


def main(pairs: int = 1000, seed: int = 1) -> None:
    """Print the table."""
    print(f"{pairs} pairs each, seed {seed}; percent, with the Wilson interval of 95 %\n")
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    for case, place, verdicts in profiles.rows(pairs, seed):
        answers = Counter(v.verdict for v in verdicts)
        counts = [sum(v.p_value is not None and v.p_value < 0.05 for v in verdicts)]
        counts += [answers[a] for a in ANSWERS]
        counts += [sum("better" in v.numbers for v in verdicts)]
        counts += [sum("independent points" in v.reason for v in verdicts)]
        cells = [case.name, f"{place} ({case.correlation(place):.2f})"]
        cells += [in_percent(count, pairs) for count in counts]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3]))
