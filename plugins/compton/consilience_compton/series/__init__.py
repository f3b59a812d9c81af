"""Momentum ratios and roughness over states."""
