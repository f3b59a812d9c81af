"""Rules: what happened to a sample or its data becomes a caveat on a finding."""

from __future__ import annotations

from consilience.rules.engine import caveats_for
from consilience.rules.model import Rule, load_rules

__all__ = ["Rule", "caveats_for", "load_rules"]
