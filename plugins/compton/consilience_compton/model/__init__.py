"""Free-atom profiles, and lithium content from a ratio."""
