"""Simulated needles: two forward models that share no shape, written as files that say so."""

from consilience_apt.simulation.composition import (
    depth_density,
    expected_shares,
    interfaces,
    needle_shares,
)
from consilience_apt.simulation.files import (
    atomic_shares,
    needle_ranges,
    profile_truth,
    range_file_text,
    simulate_needle,
    truth_of,
)
from consilience_apt.simulation.lines import expected_spectrum, lines_of
from consilience_apt.simulation.needle import BACKGROUND, SimulatedIons, draw_ions, ion_blocks
from consilience_apt.simulation.params import Clusters, Layer, NeedleParams
from consilience_apt.simulation.presets import pt_anode

__all__ = [
    "BACKGROUND",
    "Clusters",
    "Layer",
    "NeedleParams",
    "SimulatedIons",
    "atomic_shares",
    "depth_density",
    "draw_ions",
    "expected_shares",
    "expected_spectrum",
    "interfaces",
    "ion_blocks",
    "lines_of",
    "needle_ranges",
    "needle_shares",
    "profile_truth",
    "pt_anode",
    "range_file_text",
    "simulate_needle",
    "truth_of",
]
