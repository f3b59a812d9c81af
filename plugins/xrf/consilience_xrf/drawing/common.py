"""What the views of amounts share: whose findings, and numbers for tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.notation import number

__all__ = ["line_text", "own_findings", "rounded", "short"]


GREEK = str.maketrans("abg", "αβγ")


def line_text(name: str) -> str:
    """Return a line or family of lines as it is written.

    Examples
    --------
    >>> line_text("Pt_La"), line_text("Fe_K")
    ('Pt Lα', 'Fe K')
    """
    element, _, line = name.partition("_")
    return f"{element} {line[:1]}{line[1:].translate(GREEK)}".strip()


def own_findings(
    measurements: Sequence[Measurement], findings: Sequence[Finding], analyses: Sequence[str]
) -> list[Finding]:
    """Return what these analyses said of these measurements."""
    ids = {m.id for m in measurements}
    return [f for f in findings if f.source.analysis in analyses and ids & set(f.measurements)]


def rounded(value: object) -> float | None:
    """Return a number with four digits; None where it is none."""
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, int | float) or not np.isfinite(value):
        return None
    return float(f"{value:.4g}")


def short(value: object) -> str:
    """Return the same in words."""
    return number(float(f"{value:.4g}")) if isinstance(value, int | float) else "unknown"
