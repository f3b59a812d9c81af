"""Analyses: the only place that makes findings."""
