"""Do the errors of Compton scattering hold?  Repeats of simulated cells and surfaces."""
