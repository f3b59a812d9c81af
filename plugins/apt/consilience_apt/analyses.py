"""What the plugin's analyses are called by."""

from __future__ import annotations

from consilience_apt.composition_run import run_composition
from consilience_apt.homogeneity_run import run_homogeneity
from consilience_apt.profile_run import run_profile
from consilience_apt.spectrum_run import run_spectrum
from consilience_apt.surfaces_run import run_surfaces

__all__ = ["run_composition", "run_homogeneity", "run_profile", "run_spectrum", "run_surfaces"]
