"""X-ray fluorescence: what this plugin declares."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import (
    Analysis,
    Check,
    Exporter,
    Kind,
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
from consilience_xrf.declared_exporters import EXPORTERS
from consilience_xrf.declared_kinds import KINDS
from consilience_xrf.declared_readers import CHECKS, READERS
from consilience_xrf.declared_views import VIEWS

SPACE = {"x": ("um", "mm", "1"), "y": ("um", "mm", "1")}
"""Positions have unit 1 where the file names none."""

POINT = {
    "live_time": ("s",),
    "real_time": ("s",),
    "dwell": ("s",),
    "dead_time": ("1",),
    "monitor": ("count", "count/s", "A", "1"),
}
"""What is known of each point beside its spectrum; `dead_time` is a fraction of real time."""

SEES = "elements from about sodium up, by their characteristic lines, micrometres deep"
BLIND = "lithium and other light elements; chemical state; crystal structure"
ASKS = ("energy", "dose", "dose_rate", "temperature", "atmosphere")


@hookimpl
def plugin_info() -> PluginInfo:
    """Who this is."""
    return PluginInfo(
        name="xrf",
        version=__version__,
        api=API_VERSION,
        summary="X-ray fluorescence: spectra, element maps and how they change",
        licence="BSD-3-Clause",
    )


@hookimpl
def register_modalities() -> Sequence[Modality]:
    """Spectra for each point or not; element maps that another program made of them.

    ``xrf``: ``counts`` over (channel,), (y, x, channel) or with more directions of the scan
    before them; ``energy`` lies over ``channel`` where it is known.  ``xrf_map``: ``measured``
    (1 where the scan has a value, else 0) over (y, x), and each map a variable of any name with
    ``attrs["element"]`` and ``attrs["line"]``.  What belongs to a point (``live_time``,
    ``monitor``, …) lies over the scan's directions in both.
    """
    return [
        Modality(
            "xrf",
            "X-ray fluorescence",
            coordinates={"channel": ("1",), "energy": ("keV",), **SPACE},
            variables={"counts": ("count",), **POINT},
            sees=SEES,
            blind=BLIND,
            asks=ASKS,
        ),
        Modality(
            "xrf_map",
            "X-ray fluorescence maps",
            coordinates=dict(SPACE),
            variables={"measured": ("1",), **POINT},
            sees=SEES,
            blind=BLIND,
            asks=ASKS,
        ),
    ]


@hookimpl
def register_readers() -> Sequence[Reader]:
    """Files that can be read."""
    return READERS


@hookimpl
def register_kinds() -> Sequence[Kind]:
    """What the core does not know."""
    return KINDS


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
    """Single spectra, scans, and a film over its cycles."""
    return [
        Simulator(
            "xrf.lines",
            "xrf",
            Ref("consilience_xrf.simulation.lines:LineParams"),
            Ref("consilience_xrf.simulation.lines:simulate_lines"),
            "Gaussian lines on a falling background, Poisson noise",
        ),
        Simulator(
            "xrf.scan",
            "xrf",
            Ref("consilience_xrf.simulation.maps:ScanParams"),
            Ref("consilience_xrf.simulation.maps:run_scan"),
            "scan of a film: spectra and element maps, with what is true",
        ),
        Simulator(
            "xrf.series",
            "xrf_map",
            Ref("consilience_xrf.simulation.maps:SeriesParams"),
            Ref("consilience_xrf.simulation.maps:run_series"),
            "element maps of a film over 50 cycles: voids, matter that moves to the rim",
        ),
    ]


@hookimpl
def register_exporters() -> Sequence[Exporter]:
    """Maps as pictures and tables."""
    return EXPORTERS
