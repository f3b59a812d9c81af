"""X-ray Compton scattering: what this plugin declares."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import Modality, PluginInfo, Reader, Ref, Simulator, View
from consilience.hookspecs import API_VERSION, hookimpl
from consilience_compton import __version__


@hookimpl
def plugin_info() -> PluginInfo:
    """Who this is."""
    return PluginInfo(
        name="compton",
        version=__version__,
        api=API_VERSION,
        summary="X-ray Compton scattering: frames of a HEXITEC detector",
        licence="BSD-3-Clause",
    )


@hookimpl
def register_modalities() -> Sequence[Modality]:
    """Frames of a pixel detector that measures the energy of each photon."""
    return [
        Modality(
            "compton",
            "X-ray Compton scattering",
            coordinates={"frame": ("1",), "row": ("1",), "column": ("1",)},
            variables={"raw_frames": ("adu",), "gain": ("keV/adu",), "intercept": ("keV",)},
            sees="electron momentum, light elements too, through millimetres of material",
            blind="crystal structure; anything without the energy calibration of each pixel",
            asks=("energy", "dose", "dose_rate", "temperature", "atmosphere"),
        )
    ]


@hookimpl
def register_readers() -> Sequence[Reader]:
    """Raw frames."""
    return [
        Reader(
            "compton.hexitec",
            ("compton",),
            ("*.h5", "*.hdf5"),
            probe=Ref("consilience_compton.probe:probe_hexitec"),
            read=Ref("consilience_compton.reading:read_hexitec"),
            open=Ref("consilience_compton.lazy:open_hexitec"),
            companions={
                "gain": "text, keV per adu for each pixel, 80 x 80 values for each module",
                "intercept": "text, keV at 0 adu for each pixel, 80 x 80 values for each module",
            },
            title="raw frames of a HEXITEC detector (HDF5)",
        )
    ]


@hookimpl
def register_views() -> Sequence[View]:
    """Draw the mean frame and the distribution of values."""
    return [
        View(
            "compton.frames",
            "Detector frames",
            Ref("consilience_compton.views:frames_view"),
            "compton",
        )
    ]


@hookimpl
def register_simulators() -> Sequence[Simulator]:
    """Random hits on a quiet detector."""
    return [
        Simulator(
            "compton.frames",
            "compton",
            Ref("consilience_compton.simulation:FrameParams"),
            Ref("consilience_compton.simulation:simulate_frames"),
            "hits of one energy on a quiet HEXITEC module",
        )
    ]
