"""Rules: what happened to a sample or its data becomes a caveat on a finding."""

from __future__ import annotations

from consilience.rules.counted import trust_words, worst_caveat
from consilience.rules.engine import Outcome, caveats_for, judge
from consilience.rules.limits import DoseLimit, dose_limits
from consilience.rules.loading import RuleChange, apply_changes, load_rules, read_rules
from consilience.rules.measured import Checked, check_measurements
from consilience.rules.model import Basis, Comparator, Rule, Scope
from consilience.rules.scope import materials_of

__all__ = [
    "Basis",
    "Checked",
    "Comparator",
    "DoseLimit",
    "Outcome",
    "Rule",
    "RuleChange",
    "Scope",
    "apply_changes",
    "caveats_for",
    "check_measurements",
    "dose_limits",
    "judge",
    "load_rules",
    "materials_of",
    "read_rules",
    "trust_words",
    "worst_caveat",
]
