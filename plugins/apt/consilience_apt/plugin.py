"""Atom probe tomography: what this plugin declares."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import Modality, PluginInfo, Reader, Ref, Simulator, View
from consilience.hookspecs import API_VERSION, hookimpl
from consilience_apt import __version__


@hookimpl
def plugin_info() -> PluginInfo:
    """Who this is."""
    return PluginInfo(
        name="apt",
        version=__version__,
        api=API_VERSION,
        summary="atom probe tomography: reconstructed ions",
        licence="BSD-3-Clause",
    )


@hookimpl
def register_modalities() -> Sequence[Modality]:
    """A list of ions: where each was, and its mass-to-charge ratio."""
    return [
        Modality(
            "apt",
            "atom probe tomography",
            coordinates={},
            variables={"x": ("nm",), "y": ("nm",), "z": ("nm",), "mass_to_charge": ("Da",)},
            sees="elements and isotopes, lithium too, ion by ion within a needle some 50 nm wide",
            blind="ions that overlap in mass-to-charge; chemical state; what lies beside it",
        )
    ]


@hookimpl
def register_readers() -> Sequence[Reader]:
    """Reconstructed ions."""
    return [
        Reader(
            "apt.pos",
            ("apt",),
            ("*.pos",),
            probe=Ref("consilience_apt.probe:probe_pos"),
            read=Ref("consilience_apt.reading:read_pos"),
            open=Ref("consilience_apt.lazy:open_pos"),
            options={
                "salvage": "true: take the whole ions of a file that was cut in the middle of one"
            },
            title="reconstructed ions (.pos)",
        )
    ]


@hookimpl
def register_views() -> Sequence[View]:
    """Draw the mass spectrum and the shadow of the needle."""
    return [View("apt.ions", "Ions", Ref("consilience_apt.views:ions_view"), "apt")]


@hookimpl
def register_simulators() -> Sequence[Simulator]:
    """A needle of random ions."""
    return [
        Simulator(
            "apt.needle",
            "apt",
            Ref("consilience_apt.simulation:NeedleParams"),
            Ref("consilience_apt.simulation:simulate_needle"),
            "a needle with a cap, peaks of given masses, uniform noise",
        )
    ]
