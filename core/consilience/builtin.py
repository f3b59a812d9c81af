"""What the core itself declares, through the same hooks as every plugin."""

from __future__ import annotations

from collections.abc import Sequence

from consilience._version import __version__
from consilience.declarations import Comparison, Kind, PluginInfo, Ref, Rules
from consilience.hookspecs import API_VERSION, hookimpl
from consilience.kinds import CORE_KINDS

__all__ = ["plugin_info", "register_comparisons", "register_kinds", "register_rules"]


@hookimpl
def plugin_info() -> PluginInfo:
    """The host."""
    return PluginInfo(
        name="core",
        version=__version__,
        api=API_VERSION,
        summary="kinds and comparisons that every study has",
        licence="BSD-3-Clause",
    )


@hookimpl
def register_kinds() -> Sequence[Kind]:
    """Return the core list of kinds."""
    return CORE_KINDS


@hookimpl
def register_comparisons() -> Sequence[Comparison]:
    """Return comparisons of presence, numbers, compositions and phases, maps and profiles."""
    scalars = tuple((k.name, k.name) for k in CORE_KINDS if k.about == "scalar")
    return [
        Comparison(
            "core.presence",
            (("phase", "phase"), ("element", "element")),
            Ref("consilience.compare.presence.presence:compare"),
            "present, absent below a limit, or not observable",
        ),
        Comparison(
            "core.scalar",
            scalars,
            Ref("consilience.compare.numbers.scalar:compare"),
            "difference of two numbers against an equivalence margin",
        ),
        Comparison(
            "core.composition",
            (("composition", "composition"), ("element_amount", "composition")),
            Ref("consilience.compare.compositions.composition:compare"),
            "log-ratios of the elements both can see, each fraction against a margin",
            scope="group",
        ),
        Comparison(
            "core.stoichiometry",
            (("phase", "composition"),),
            Ref("consilience.compare.compositions.stoichiometry:compare"),
            "a composition against the formula and the homogeneity range of a phase",
            scope="group",
        ),
        Comparison(
            "core.maps",
            (
                ("element_map", "element_map"),
                ("phase_map", "phase_map"),
                ("phase_map", "element_map"),
            ),
            Ref("consilience.compare.maps.maps:compare"),
            "correlation of two maps of one area against maps as smooth as they are",
        ),
        Comparison(
            "core.profiles",
            (("line_profile", "line_profile"),),
            Ref("consilience.compare.maps.profiles:compare"),
            "correlation of two profiles along one line against profiles as smooth as they are",
        ),
        Comparison(
            "core.stated",
            (("stated_figure", "stated_figure"),),
            Ref("consilience.compare.numbers.stated:compare"),
            "a figure that a text states against the formula that it must follow",
        ),
    ]


@hookimpl
def register_rules() -> Sequence[Rules]:
    """Return the rules that hold for every technique."""
    return [
        Rules(f"core.{name}", "consilience.rules", f"{name}.toml")
        for name in ("core", "custody", "storage")
    ]
