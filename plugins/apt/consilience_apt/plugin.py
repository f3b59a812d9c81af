"""Atom probe tomography: what this plugin declares."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import (
    Modality,
    PluginInfo,
    Reader,
    Ref,
    Rules,
    Simulator,
    View,
)
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


_SALVAGE = "true: take the whole ions of a file that was cut in the middle of one"
_JOIN = "true: join overlapping ranges of one ion in the range file"
_RANGES = {"ranges": "range file (.rrng, .rng, .env)"}


@hookimpl
def register_modalities() -> Sequence[Modality]:
    """A list of ions: where each was, its mass-to-charge ratio, and how it arrived."""
    return [
        Modality(
            "apt",
            "atom probe tomography",
            coordinates={},
            variables={
                "x": ("nm",),
                "y": ("nm",),
                "z": ("nm",),
                "mass_to_charge": ("Da",),
                "time_of_flight": ("ns",),
                "voltage": ("V",),
                "pulse_voltage": ("V",),
                "detector_x": ("mm",),
                "detector_y": ("mm",),
                "pulses_since": ("1",),
                "ions_per_pulse": ("1",),
            },
            sees="elements and isotopes, lithium too, ion by ion within a needle some 50 nm wide",
            blind="ions that overlap in mass-to-charge; chemical state; what lies beside it",
            asks=("temperature", "transfer", "storage"),
        )
    ]


@hookimpl
def register_readers() -> Sequence[Reader]:
    """Reconstructed ions, each format with a range file beside it."""
    return [
        Reader(
            "apt.pos",
            ("apt",),
            ("*.pos",),
            probe=Ref("consilience_apt.probe:probe_pos"),
            read=Ref("consilience_apt.reading:read_pos"),
            open=Ref("consilience_apt.lazy:open_ions"),
            options={"salvage": _SALVAGE, "join_ranges": _JOIN},
            companions=_RANGES,
            title="reconstructed ions (.pos)",
        ),
        Reader(
            "apt.epos",
            ("apt",),
            ("*.epos",),
            probe=Ref("consilience_apt.probe:probe_epos"),
            read=Ref("consilience_apt.reading:read_epos"),
            open=Ref("consilience_apt.lazy:open_ions"),
            options={
                "salvage": _SALVAGE,
                "join_ranges": _JOIN,
                "voltage_unit": "V or kV, where the highest voltage does not tell",
            },
            companions=_RANGES,
            title="reconstructed ions with times, voltages and hits (.epos)",
        ),
        Reader(
            "apt.apt",
            ("apt",),
            ("*.apt",),
            probe=Ref("consilience_apt.probe:probe_apt"),
            read=Ref("consilience_apt.reading_apt:read_apt"),
            open=Ref("consilience_apt.lazy:open_ions"),
            options={"salvage": _SALVAGE, "join_ranges": _JOIN},
            companions=_RANGES,
            title="reconstructed ions of AP Suite (.apt)",
        ),
        Reader(
            "apt.ato",
            ("apt",),
            ("*.ato",),
            probe=Ref("consilience_apt.probe:probe_ato"),
            read=Ref("consilience_apt.reading_ato:read_ato"),
            open=Ref("consilience_apt.lazy:open_ions"),
            options={"salvage": _SALVAGE, "join_ranges": _JOIN},
            companions=_RANGES,
            title="reconstructed ions of the Rouen group (.ato, versions 3 and 5)",
        ),
        Reader(
            "apt.hdf5",
            ("apt",),
            ("*.h5", "*.hdf5", "*.nxs"),
            probe=Ref("consilience_apt.probe:probe_hdf5"),
            read=Ref("consilience_apt.reading_hdf5:read_hdf5"),
            open=Ref("consilience_apt.lazy:open_hdf5"),
            options={"join_ranges": _JOIN},
            companions=_RANGES,
            title="reconstructed ions in HDF5 (PyCCAPT, NXapm)",
        ),
    ]


@hookimpl
def register_views() -> Sequence[View]:
    """Draw the mass spectrum and the shadow of the needle."""
    return [View("apt.ions", "Ions", Ref("consilience_apt.views:ions_view"), "apt")]


@hookimpl
def register_simulators() -> Sequence[Simulator]:
    """A needle of layers whose truth is known."""
    return [
        Simulator(
            "apt.needle",
            "apt",
            Ref("consilience_apt.simulation:NeedleParams"),
            Ref("consilience_apt.simulation:simulate_needle"),
            "a needle of layers and clusters, with isotopes, tails, background and multiple hits",
        )
    ]


@hookimpl
def register_rules() -> Sequence[Rules]:
    """Lithium that the field pulls out of a layered oxide."""
    return [Rules("apt.rules", "consilience_apt", "rules.toml")]
