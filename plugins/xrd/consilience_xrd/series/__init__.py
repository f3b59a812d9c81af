"""Patterns of one sample over its states: lines followed, cells and phases that change."""
