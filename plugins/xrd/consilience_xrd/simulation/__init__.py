"""Simulated files that say so."""
