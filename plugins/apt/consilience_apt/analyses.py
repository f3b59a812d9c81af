"""What the plugin's analyses are called by."""

from __future__ import annotations

from consilience_apt.findings.composition_run import run_composition
from consilience_apt.findings.facets_run import run_facets
from consilience_apt.findings.homogeneity_run import run_homogeneity
from consilience_apt.findings.planes_run import run_planes
from consilience_apt.findings.profile_run import run_profile
from consilience_apt.findings.reconstruction_run import run_reconstruction
from consilience_apt.findings.spectrum_run import run_spectrum
from consilience_apt.findings.surfaces_run import run_surfaces

__all__ = [
    "run_composition",
    "run_facets",
    "run_homogeneity",
    "run_planes",
    "run_profile",
    "run_reconstruction",
    "run_spectrum",
    "run_surfaces",
]
