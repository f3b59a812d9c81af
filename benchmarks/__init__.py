"""Benchmarks: ratios to peers and to limits, never assertions."""
