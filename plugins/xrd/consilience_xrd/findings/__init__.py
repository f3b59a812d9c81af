"""The analyses: from measurements to findings."""
