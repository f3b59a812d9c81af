"""Build one study of the demonstration: ``python -m consilience.demo STUDY FOLDER [small]``."""

from __future__ import annotations

import sys
from pathlib import Path

from consilience.demo.run import build_one

if __name__ == "__main__":
    build_one(sys.argv[1], Path(sys.argv[2]), small="small" in sys.argv[3:])
