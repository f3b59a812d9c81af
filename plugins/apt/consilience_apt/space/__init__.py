"""Where: regions, profiles, grids, surfaces, interfaces, change points, lattice planes."""
