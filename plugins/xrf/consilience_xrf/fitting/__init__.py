"""Backgrounds, fits by pixel, limits and overlaps."""
