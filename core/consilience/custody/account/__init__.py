"""Giving account: what is reported of a measurement, and the methods paragraph."""
