"""Figures that a text states, held against the formula and the numbers they follow from."""

from __future__ import annotations

from consilience.claims.claim import ARITHMETIC, STATED, Claim, Formula, Term
from consilience.claims.derive import derived_findings
from consilience.claims.stated import Stated

__all__ = ["ARITHMETIC", "STATED", "Claim", "Formula", "Stated", "Term", "derived_findings"]
