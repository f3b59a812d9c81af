"""What the plugin's analyses are called by."""

from __future__ import annotations

from consilience_apt.findings.composition_run import run_composition
from consilience_apt.findings.homogeneity_run import run_homogeneity
from consilience_apt.findings.profile_run import run_profile
from consilience_apt.findings.spectrum_run import run_spectrum
from consilience_apt.findings.surfaces_run import run_surfaces

__all__ = ["run_composition", "run_homogeneity", "run_profile", "run_spectrum", "run_surfaces"]
