"""Run every benchmark: ``python -m benchmarks [NAME …]``.

Each prints ratios to a peer and to a limit, measured in one run; times alone say
nothing here, because machines drift.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> None:
    known = sorted(p.stem for p in Path(__file__).parent.glob("[a-z]*.py"))
    wanted = sys.argv[1:] or known
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"no benchmark is called {unknown[0]!r}; there are {', '.join(known)}")
    for name in wanted:
        print(f"== {name}")
        sys.argv = [name]  # each reads its own arguments
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
