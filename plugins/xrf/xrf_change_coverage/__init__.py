"""Repeats of simulated series of films: errors of numbers of shape, and alarms without change."""
