"""X-ray fluorescence: what this plugin declares."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import (
    Analysis,
    Check,
    Modality,
    PluginInfo,
    Reader,
    Ref,
    Simulator,
    View,
)
from consilience.hookspecs import API_VERSION, hookimpl
from consilience_xrf import __version__
from consilience_xrf.declared_analyses import ANALYSES
from consilience_xrf.declared_readers import CHECKS, READERS
from consilience_xrf.declared_views import VIEWS


@hookimpl
def plugin_info() -> PluginInfo:
    """Who this is."""
    return PluginInfo(
        name="xrf",
        version=__version__,
        api=API_VERSION,
        summary="X-ray fluorescence spectra",
        licence="BSD-3-Clause",
    )


@hookimpl
def register_modalities() -> Sequence[Modality]:
    """Counts over detector channels, with an energy axis where one is known."""
    return [
        Modality(
            "xrf",
            "X-ray fluorescence",
            coordinates={"channel": ("1",), "energy": ("keV",)},
            variables={"counts": ("count",)},
            sees="elements from about sodium up, by their characteristic lines, micrometres deep",
            blind="lithium and other light elements; chemical state; crystal structure",
            asks=("energy", "dose", "dose_rate", "temperature", "atmosphere"),
        )
    ]


@hookimpl
def register_readers() -> Sequence[Reader]:
    """Files that can be read."""
    return READERS


@hookimpl
def register_analyses() -> Sequence[Analysis]:
    """Findings that can be made."""
    return ANALYSES


@hookimpl
def register_checks() -> Sequence[Check]:
    """What is looked for in data before they are registered."""
    return CHECKS


@hookimpl
def register_views() -> Sequence[View]:
    """Sections of the report."""
    return VIEWS


@hookimpl
def register_simulators() -> Sequence[Simulator]:
    """Lines on a falling background with Poisson noise."""
    return [
        Simulator(
            "xrf.lines",
            "xrf",
            Ref("consilience_xrf.simulation.lines:LineParams"),
            Ref("consilience_xrf.simulation.lines:simulate_lines"),
            "Gaussian lines on a falling background, Poisson noise",
        )
    ]
