"""Normalisation, areal density, self-absorption, profiles."""
