"""Baselines and peaks of a pattern."""
