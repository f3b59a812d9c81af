"""The core list of kinds, with units and default margins.

Margins are differences that the field calls equivalent (science.md, section 8, of the
project's notes): lattice 0.2 %, electron-diffraction d 1.5 %, EDX 3 at.%, Li-bearing APT
5 at.%, thickness 20 %.  A study may override each; the report prints the one used.
"""

from __future__ import annotations

from consilience.declarations import Kind

__all__ = ["CORE_KINDS", "STATED"]

STATED = "stated_figure"
"""A figure that a text states, and what its formula gives."""

# amounts and limits of a presence come in the unit that the technique has: mass fraction, peak area
_PRESENCE = "presence is compared by status and limit, not by a margin"

CORE_KINDS: tuple[Kind, ...] = (
    Kind("phase", "phase", "presence", None, margin_reason=_PRESENCE),
    Kind("element", "element", "presence", None, margin_reason=_PRESENCE),
    Kind(
        "phase_fraction",
        "mass fraction of a phase",
        "scalar",
        "1",
        0.05,
        False,
        "5 wt%: what careful powder quantification reaches without an internal standard",
        amount=True,
    ),
    Kind(
        "composition",
        "composition",
        "composition",
        "1",
        0.05,
        False,
        "5 at.% where lithium is measured by atom probe; 3 at.% for EDX alone",
    ),
    Kind(
        "element_amount",
        "amount of an element",
        "scalar",
        "1",
        0.03,
        False,
        "3 at.%: usual accuracy of standardless EDX",
        amount=True,
    ),
    Kind(
        "lattice_parameter",
        "lattice parameter",
        "scalar",
        "angstrom",
        0.002,
        True,
        "0.2 %: spread of published cells and of thermal expansion over 100 K",
    ),
    Kind(
        "d_spacing",
        "lattice spacing",
        "scalar",
        "angstrom",
        0.015,
        True,
        "1.5 %: calibration of electron diffraction",
    ),
    Kind("strain", "strain", "scalar", "1"),
    Kind("size", "crystallite size", "scalar", "nm"),
    Kind(
        "thickness",
        "thickness",
        "scalar",
        "nm",
        0.2,
        True,
        "20 %: uncertainty of the inelastic mean free path",
        mapped_by=("t_over_lambda",),
    ),
    Kind("t_over_lambda", "relative thickness", "scalar", "1", 0.2, True, "20 %, as thickness"),
    Kind(
        "mass_thickness",
        "mass per area",
        "scalar",
        "kg/m^2",
        0.2,
        True,
        "20 %, as thickness",
        amount=True,
        mapped_by=("element_map",),
    ),
    Kind("momentum_ratio", "electron momentum ratio", "scalar", "1"),
    Kind("li_content", "lithium content x", "scalar", "1", goes_with=("lattice_parameter",)),
    Kind("roughness", "surface roughness", "scalar", "um", goes_with=("momentum_ratio",)),
    Kind("interface_position", "position of an interface", "scalar", "nm"),
    Kind("interface_width", "width of an interface", "scalar", "nm"),
    Kind("line_profile", "profile along a line", "series", None),
    Kind("element_map", "map of an element", "map", "1"),
    Kind("phase_map", "map of a phase", "map", "1"),
    Kind("spatial_change", "change of a distribution", "map", "1"),
    Kind("homogeneity", "homogeneity", "text", None),
    Kind(STATED, "figure that a text states", "text", None),
)
