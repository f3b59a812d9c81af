"""Simulated files, marked as such."""
