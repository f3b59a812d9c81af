"""Simulated logs of sensors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["write_log"]


def write_log(path: Path, plan: Mapping[str, Any]) -> None:
    """Write the simulated log of a vacuum suitcase: cold, a warm excursion, and a gap.

    The excursion is a half sine over ``warm_from`` to ``warm_to`` (s), up to ``warm_to_K``;
    no rows are written between ``gap_from`` and ``gap_to``.

    Parameters
    ----------
    path : Path
        CSV file; its folder is made.
    plan : mapping
        ``length``, ``step``, ``warm_from``, ``warm_to``, ``gap_from`` and ``gap_to`` in s,
        ``cold_K``, ``warm_to_K`` and ``pressure_mbar``.
    """
    rows = ["# origin: simulated", "t (s),T (K),p (mbar)"]
    for second in range(0, int(plan["length"]) + 1, int(plan["step"])):
        if plan["gap_from"] <= second < plan["gap_to"]:
            continue
        temperature, pressure = float(plan["cold_K"]), float(plan["pressure_mbar"])
        if plan["warm_from"] <= second <= plan["warm_to"]:
            phase = (second - plan["warm_from"]) / (plan["warm_to"] - plan["warm_from"])
            bump = math.sin(math.pi * phase)
            temperature += (plan["warm_to_K"] - temperature) * bump
            pressure *= 10.0 ** (2.0 * bump)
        # a slow drift, so that no sensor is taken for stuck
        temperature += 0.2 * math.sin(second / 170.0)
        pressure *= 1.0 + 0.05 * math.sin(second / 230.0)
        rows.append(f"{second},{temperature:.2f},{pressure:.3e}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
