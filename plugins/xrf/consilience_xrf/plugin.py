"""X-ray fluorescence: what this plugin declares."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import Check, Modality, PluginInfo, Reader, Ref, Simulator, View
from consilience.hookspecs import API_VERSION, hookimpl
from consilience_xrf import __version__


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
    """Plain one-column spectra."""
    return [
        Reader(
            "xrf.mca",
            ("xrf",),
            ("*.mca",),
            probe=Ref("consilience_xrf.probe:probe_mca"),
            read=Ref("consilience_xrf.reading:read_mca"),
            options={
                "zero": "energy of channel 0 in keV; with 'gain' it makes the energy axis",
                "gain": "keV a channel; with 'zero' it makes the energy axis",
                "energy_unit": "keV or eV: unit of the file's own calibration, if it names none",
            },
            title="one spectrum as a column of counts (plain .mca)",
        )
    ]


@hookimpl
def register_checks() -> Sequence[Check]:
    """Spectra without counts, odd lengths, a last channel that collects the overflow."""
    return [
        Check("xrf.spectrum", "xrf", Ref("consilience_xrf.checks:check_spectrum"), "sane spectrum")
    ]


@hookimpl
def register_views() -> Sequence[View]:
    """Draw the spectrum."""
    return [View("xrf.spectrum", "XRF spectrum", Ref("consilience_xrf.views:spectrum_view"), "xrf")]


@hookimpl
def register_simulators() -> Sequence[Simulator]:
    """Lines on a falling background with Poisson noise."""
    return [
        Simulator(
            "xrf.lines",
            "xrf",
            Ref("consilience_xrf.simulation:LineParams"),
            Ref("consilience_xrf.simulation:simulate_lines"),
            "Gaussian lines on a falling background, Poisson noise",
        )
    ]
