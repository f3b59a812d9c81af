"""Findings for tests: everything unknown but what a test says."""

from __future__ import annotations

from typing import Any

from consilience.model import Finding, Source

__all__ = ["plain_finding"]


def plain_finding(kind: str, technique: str, **more: Any) -> Finding:
    """Return a measured finding of the sample "chip" as an analysis of a technique makes it."""
    content: dict[str, Any] = dict.fromkeys(set(Finding.model_fields) - {"id"})
    content |= {
        "kind": kind,
        "sample": "chip",
        "state": {},
        "rivals": [],
        "evidence": {},
        "assumptions": [],
        "method": "test",
        "origin": "measured",
        "measurements": [f"m-{technique}"],
        "source": Source(plugin=technique, version="0", analysis=f"{technique}.x").to_json(),
    }
    return Finding.identified({**content, **more})
