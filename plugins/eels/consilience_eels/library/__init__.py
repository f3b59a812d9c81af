"""HyperSpy, exSpy and RosettaSciIO, called from here alone; imported when first needed."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from consilience_eels.library.components import decompose
from consilience_eels.library.edges import edge_cross_section, edge_shape, edges_of, hydrogenic_k
from consilience_eels.library.elements import atomic_weight, element_density
from consilience_eels.library.files import (
    digital_micrograph_arrays,
    load_frames,
    load_signals,
    make_signal,
    write_hspy,
)
from consilience_eels.library.low_loss import (
    angular_correction,
    elastic_threshold,
    fourier_log,
    fourier_ratio,
    mean_free_path,
)
from consilience_eels.library.session import hyperspy
from consilience_eels.library.xray import (
    LineSums,
    line_windows,
    lines_of,
    mass_absorption,
    take_off_angle,
)

__all__ = [
    "LineSums",
    "angular_correction",
    "atomic_weight",
    "decompose",
    "digital_micrograph_arrays",
    "edge_cross_section",
    "edge_shape",
    "edges_of",
    "elastic_threshold",
    "element_density",
    "fourier_log",
    "fourier_ratio",
    "hydrogenic_k",
    "hyperspy",
    "line_windows",
    "lines_of",
    "load_frames",
    "load_signals",
    "make_signal",
    "mass_absorption",
    "mean_free_path",
    "take_off_angle",
    "write_hspy",
]
