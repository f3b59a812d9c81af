"""What is wrong with a reading, as a small number beside it.

A reading that is not evidence is stored as NaN, so that nobody takes it for one; the flag says
why, and the log itself, which is kept, what stood there.
"""

from __future__ import annotations

__all__ = [
    "FLAGS",
    "GOOD",
    "IMPOSSIBLE",
    "MISSING",
    "OUT_OF_RANGE",
    "REFUSED",
    "STUCK",
    "flag_name",
]

GOOD, MISSING, IMPOSSIBLE, OUT_OF_RANGE, REFUSED, STUCK = range(6)

FLAGS: dict[int, str] = {
    GOOD: "good",
    MISSING: "missing",
    IMPOSSIBLE: "impossible",
    OUT_OF_RANGE: "out_of_range",
    REFUSED: "refused",
    STUCK: "stuck",
}
"""Flag to word.  A *missing* reading is bridged by its neighbours if they are no further apart than
the gap limit; across any other that is not *good*, nothing is known."""


def flag_name(column: str) -> str:
    """Return the variable that holds the flags of a column."""
    return f"{column}_flag"
