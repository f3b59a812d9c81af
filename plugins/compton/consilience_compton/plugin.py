"""X-ray Compton scattering: what this plugin declares."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import (
    Analysis,
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
from consilience_compton import __version__
from consilience_compton.declared_analyses import ANALYSES
from consilience_compton.declared_kinds import KINDS
from consilience_compton.declared_readers import READERS
from consilience_compton.declared_views import VIEWS


@hookimpl
def plugin_info() -> PluginInfo:
    """Who this is."""
    return PluginInfo(
        name="compton",
        version=__version__,
        api=API_VERSION,
        summary="X-ray Compton scattering and surfaces: HEXITEC spectra, CT volumes",
        licence="BSD-3-Clause",
    )


@hookimpl
def register_modalities() -> Sequence[Modality]:
    """Frames and spectra of a pixel detector, and volumes of computed tomography."""
    return [
        Modality(
            "compton",
            "X-ray Compton scattering",
            coordinates={
                "frame": ("1",),
                "row": ("1",),
                "column": ("1",),
                "channel": ("1",),
                "energy": ("keV",),
                "energy_edges": ("keV",),
            },
            variables={
                "raw_frames": ("adu",),
                "gain": ("keV/adu",),
                "intercept": ("keV",),
                "counts": ("count",),
                "shared_counts": ("count",),
                "good": ("1",),
                "energy_scale": ("1",),
                "energy_shift": ("keV",),
                "offset": ("adu",),
                "momentum_ratio": ("1",),
                "li_content": ("1",),
                "roughness": ("um",),
            },
            sees="electron momentum, light elements too, through millimetres of material",
            blind="crystal structure; anything without the energy calibration of each pixel",
            asks=("energy", "dose", "dose_rate", "temperature", "atmosphere"),
        ),
        Modality(
            "xct",
            "X-ray computed tomography",
            coordinates={"z": ("um", "1"), "y": ("um", "1"), "x": ("um", "1")},
            variables={
                "labels": ("1",),
                "grey": ("1",),
                "projections": ("adu",),
                "image_key": ("1",),
                "angle": ("deg",),
            },
            sees="shape: interfaces, pores, cracks, in three dimensions, inside closed cells",
            blind="which elements these are; what is smaller than a voxel; contrast of lithium "
            "against pores or polymer",
            asks=("energy", "dose", "dose_rate", "temperature", "atmosphere"),
        ),
    ]


@hookimpl
def register_readers() -> Sequence[Reader]:
    """Files that can be read."""
    return READERS


@hookimpl
def register_kinds() -> Sequence[Kind]:
    """Areal roughness and volumes: what the core's kinds do not say."""
    return KINDS


@hookimpl
def register_analyses() -> Sequence[Analysis]:
    """Findings that can be made."""
    return ANALYSES


@hookimpl
def register_views() -> Sequence[View]:
    """Sections of the report."""
    return VIEWS


@hookimpl
def register_simulators() -> Sequence[Simulator]:
    """Random hits on a quiet detector, spectra of a layered cell, volumes of an interface."""
    return [
        Simulator(
            "compton.frames",
            "compton",
            Ref("consilience_compton.simulation.frames:FrameParams"),
            Ref("consilience_compton.simulation.frames:simulate_frames"),
            "hits of one energy on a quiet HEXITEC module",
        ),
        Simulator(
            "compton.cell",
            "compton",
            Ref("consilience_compton.simulation.cell_files:CellParams"),
            Ref("consilience_compton.simulation.cell_files:simulate_cell_files"),
            "spectra of a layered lithium cell in five states at two rates",
        ),
        Simulator(
            "compton.volumes",
            "xct",
            Ref("consilience_compton.simulation.volumes:VolumeParams"),
            Ref("consilience_compton.simulation.volumes:simulate_volumes"),
            "volumes of a rough interface with pores and fragments, in five states",
        ),
    ]


@hookimpl
def register_exporters() -> Sequence[Exporter]:
    """What the readers of spectra take back."""
    return [
        Exporter(
            "compton.scale",
            "compton",
            ".scale.txt",
            Ref("consilience_compton.files.tables:write_scale"),
            "scale and shift of each pixel, which the readers of spectra take as a companion",
            analysis="compton.calibration",
        )
    ]
