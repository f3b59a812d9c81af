"""Findings of compositions and phases for tests of comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from plain_findings import plain_finding

from consilience import builtin
from consilience.compare import compare_findings
from consilience.model import Finding, Sample, Verdict
from consilience.registry import Candidate, Registry

__all__ = ["REGISTRY", "SAMPLES", "composition", "counted", "finding", "judge", "phase"]

SAMPLES = {
    "chip": Sample(id="chip"),
    "needle": Sample(id="needle", parent="chip"),
    "lamella": Sample(id="lamella", parent="chip"),
}
REGISTRY = Registry()
REGISTRY.load(Candidate("core", lambda: builtin))


def finding(**more: Any) -> Finding:
    """Return a finding with everything unknown but what is given."""
    content: dict[str, Any] = {
        "kind": "composition",
        "subject": {"element": "Li"},
        "sample": "needle",
        "unit": "1",
    }
    return plain_finding(**{"technique": "apt", **content, **more})


def composition(
    parts: Mapping[str, float],
    *,
    stat: float | Sequence[float] | None = 0.003,
    sys: float | Sequence[float] | None = 0.003,
    each: Mapping[str, Mapping[str, Any]] | None = None,
    **more: Any,
) -> list[Finding]:
    """Return one finding for each element, with deviations but no joint covariance."""
    stats = [stat] * len(parts) if isinstance(stat, float) or stat is None else stat
    systems = [sys] * len(parts) if isinstance(sys, float) or sys is None else sys
    return [
        finding(
            **{
                "subject": {"element": element},
                "value": value,
                "std_stat": stats[i],
                "std_sys": systems[i],
                **more,
                **(each or {}).get(element, {}),
            }
        )
        for i, (element, value) in enumerate(parts.items())
    ]


def counted(
    counts: Mapping[str, float], *, sys: float | None = 0.0, **more: Any
) -> tuple[list[Finding], dict[str, xr.Dataset]]:
    """Return findings from counts, with the joint covariance as an array of its own.

    `sys`: relative deviation of each sensitivity, independent between elements; None: unknown.
    """
    seen = np.array(list(counts.values()), dtype=float)
    total = seen.sum()
    slope = (np.eye(len(seen)) - (seen / total)[:, None]) / total
    stat = slope @ np.diag(np.maximum(seen, 1.0)) @ slope.T
    data = {"statistical": (("element", "other"), stat)}
    system = None
    if sys is not None:
        system = slope @ np.diag((sys * np.maximum(seen, 1.0)) ** 2) @ slope.T
        data["systematic"] = (("element", "other"), system)
    name = f"covariance-{more.get('technique', 'apt')}-{more.get('region')}"
    made = [
        finding(
            subject={"element": element},
            value=float(seen[i] / total),
            std_stat=float(stat[i, i] ** 0.5),
            std_sys=None if system is None else float(system[i, i] ** 0.5),
            covariance={"array": name, "index": i},
            evidence={"counts": float(seen[i])},
            **more,
        )
        for i, element in enumerate(counts)
    ]
    return made, {name: xr.Dataset(data)}


def phase(formula: str = "LiPt", **more: Any) -> Finding:
    """Return a phase that was found; a line compound unless `evidence` says otherwise."""
    return finding(
        **{
            "kind": "phase",
            "subject": {"formula": formula, "space_group": 187},
            "status": "present",
            "technique": "xrd",
            "evidence": {"homogeneity": {"line_compound": True, "citation": "a test"}},
            **more,
        }
    )


def judge(*said: Sequence[Finding], **more: Any) -> list[Verdict]:
    """Compare everything with everything, by the core's own comparisons."""
    findings = [f for group in said for f in group]
    arrays = more.pop("arrays", None)
    return compare_findings(
        REGISTRY,
        SAMPLES,
        findings,
        {f.id: f.source.plugin for f in findings},
        open_array=None if arrays is None else arrays.__getitem__,
        **more,
    )
