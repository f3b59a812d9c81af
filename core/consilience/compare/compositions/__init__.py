"""Compositions: of one volume, against one amount, against a phase."""
