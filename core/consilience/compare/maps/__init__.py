"""Maps of one area."""
