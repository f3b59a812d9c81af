"""The kinds of finding that the plugin declares beside the core's."""

from __future__ import annotations

from consilience.declarations import Kind

__all__ = ["KINDS"]

KINDS = (
    Kind("line_intensity", "counts of an element's lines", "scalar", "count"),
    Kind("roi_counts", "counts in a window about a line", "scalar", "count"),
    Kind("xrf_sensitivity", "counts for a mass per area", "scalar", None),
    Kind("redistribution", "matter that moved over the states", "text", None),
    Kind("void_fraction", "share of a film that is void", "scalar", "1"),
    Kind("edge_to_centre", "rim of a film over its core", "scalar", "1"),
    Kind("rim_share", "share of a film's matter in its rim", "scalar", "1"),
    Kind("centre_of_mass", "centre of mass along an axis", "scalar", "um"),
    Kind("spread", "root mean square distance from the centre", "scalar", "um"),
    Kind("histogram_distance", "distance of histograms", "scalar", "1"),
    Kind("intensity_ratio", "intensity of one state over another", "scalar", "1"),
    Kind("void_agreement", "agreement of voids with an image", "scalar", "1"),
    Kind("map_shift", "shift between two maps", "scalar", "um"),
)
