"""Do the errors of lines and cells hold?  Pulls of 1 000 repeats, half by another model.

``python -m benchmarks xrd_pulls``; the same as ``python -m xrd_coverage``, which has options.
"""

from __future__ import annotations

import sys

from xrd_coverage.__main__ import main as coverage

__all__ = ["main"]


def main() -> None:
    if coverage():
        sys.exit("a limit is broken, or errors that are too small by a fifth were not noticed")


if __name__ == "__main__":
    main()
