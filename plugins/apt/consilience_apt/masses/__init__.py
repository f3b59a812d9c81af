"""The mass spectrum: peaks, background, what they are, and whether ranges say the truth."""
