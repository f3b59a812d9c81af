"""Compositions against each other, against the amount of one element, and against a phase."""
