"""Faults of custody planted into a whole study: each is found, and a clean chain raises nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.custody_faults import CLEAN, FAULTS, trial


@pytest.mark.parametrize("fault", [None, *FAULTS], ids=lambda f: f or CLEAN)
def test_each_planted_fault_is_found(fault: str | None, shared_data: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng([17, sum((fault or CLEAN).encode())])
    fired = {c.rule for c in trial(fault, rng, shared_data, tmp_path)}
    if fault is None:
        assert fired == set()
    else:
        assert FAULTS[fault][1] in fired
