"""What this plugin declares; imports nothing heavy, so that listing plugins stays quick."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import (
    Analysis,
    Comparison,
    Kind,
    Modality,
    PluginInfo,
    Reader,
    Ref,
    Rules,
    Simulator,
    View,
)
from consilience.hookspecs import hookimpl
from consilience_raman_bands import __version__


@hookimpl
def plugin_info() -> PluginInfo:
    """Who this is; `api` is the version of the host that it was written for."""
    return PluginInfo(
        name="raman_bands",
        version=__version__,
        api=1,
        summary="Raman bands of battery surfaces",
        licence="BSD-3-Clause",
    )


@hookimpl
def register_modalities() -> Sequence[Modality]:
    """Names and units of the data; the reader converts to them."""
    return [
        Modality(
            "raman",
            "Raman spectroscopy",
            coordinates={"shift": ("1/cm",)},
            variables={"counts": ("count",)},
            sees="vibrations: carbonates, carbides, oxides, amorphous ones too, micrometres deep",
            blind="metals, and rock salts such as LiF, which have no first-order Raman spectrum",
            asks=("energy", "dose", "dose_rate", "temperature", "atmosphere"),
        )
    ]


@hookimpl
def register_readers() -> Sequence[Reader]:
    """Two columns of text under a header that names the format."""
    return [
        Reader(
            "raman_bands.text",
            ("raman",),
            ("*.txt", "*.raman"),
            probe=Ref("consilience_raman_bands.probe:probe_text"),
            read=Ref("consilience_raman_bands.reading:read_text"),
            title="spectrum as two columns of text",
        )
    ]


@hookimpl
def register_kinds() -> Sequence[Kind]:
    """The position of a band; phases are a kind of the core's."""
    return [
        Kind(
            "raman_band",
            "position of a Raman band",
            "scalar",
            "1/cm",
            3.0,
            False,
            "3 cm⁻¹: spread of published positions, and what stress and temperature do to them",
        )
    ]


@hookimpl
def register_analyses() -> Sequence[Analysis]:
    """Which phases are there, and where their bands are."""
    return [
        Analysis(
            "raman_bands.phases",
            "raman",
            requires=("counts",),
            params=Ref("consilience_raman_bands.analysis:PhaseParams"),
            run=Ref("consilience_raman_bands.analysis:find_phases"),
            kinds=("phase", "raman_band"),
            title="phases by the bands that they must show",
        )
    ]


@hookimpl
def register_comparisons() -> Sequence[Comparison]:
    """Phase against phase is the core's; a band against a phase is known here alone."""
    return [
        Comparison(
            "raman_bands.band_and_phase",
            (("raman_band", "phase"),),
            Ref("consilience_raman_bands.comparison:compare"),
            "a band against the phases that another technique finds or misses",
        )
    ]


@hookimpl
def register_rules() -> Sequence[Rules]:
    """What a laser does to carbonates."""
    return [Rules("raman_bands.rules", "consilience_raman_bands", "rules.toml")]


@hookimpl
def register_views() -> Sequence[View]:
    """One section of the report for each spectrum."""
    return [
        View(
            "raman_bands.spectrum",
            "Raman spectrum",
            Ref("consilience_raman_bands.views:spectrum_view"),
            "raman",
        )
    ]


@hookimpl
def register_simulators() -> Sequence[Simulator]:
    """Files to try it with."""
    return [
        Simulator(
            "raman_bands.spectrum",
            "raman",
            Ref("consilience_raman_bands.simulation:SpectrumParams"),
            Ref("consilience_raman_bands.simulation:simulate_spectrum"),
            "bands of chosen phases on a fluorescent background, Poisson noise",
        )
    ]
