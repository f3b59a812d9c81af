"""Interfaces, roughness, pores and components in tomograms."""
