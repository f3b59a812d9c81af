"""Custody: what happened to a sample before it was measured, and what that is worth.

`chain` puts steps in order, `metric` names the numbers that rules may ask for, `custody`
answers them for one measurement.
"""

from consilience.custody.chain import Chain, Link, Moment, chain_of, cut_of
from consilience.custody.custody import Custody
from consilience.custody.metric import METRICS, Metric, MetricSpec

__all__ = [
    "METRICS",
    "Chain",
    "Custody",
    "Link",
    "Metric",
    "MetricSpec",
    "Moment",
    "chain_of",
    "cut_of",
]
