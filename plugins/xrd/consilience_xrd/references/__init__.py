"""Cells of phases and their lines."""
