"""Files to patterns and frames."""
