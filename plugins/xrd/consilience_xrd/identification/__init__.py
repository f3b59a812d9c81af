"""Which phases explain the peaks, and what else would."""
