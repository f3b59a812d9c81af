"""Electron energy loss: what this plugin declares."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import (
    Check,
    Modality,
    PluginInfo,
    Reader,
    Ref,
    Rules,
    Simulator,
    View,
)
from consilience.hookspecs import API_VERSION, hookimpl
from consilience_eels import __version__


@hookimpl
def plugin_info() -> PluginInfo:
    """Who this is."""
    return PluginInfo(
        name="eels",
        version=__version__,
        api=API_VERSION,
        summary="electron energy-loss spectra",
        licence="GPL-3.0-or-later",
    )


@hookimpl
def register_modalities() -> Sequence[Modality]:
    """Counts over energy loss."""
    return [
        Modality(
            "eels",
            "electron energy loss",
            coordinates={"energy_loss": ("eV",)},
            variables={"counts": ("count",), "intensity": ("1",)},
            sees="elements and their bonding, lithium too, at the nanometre; thickness",
            blind="what is thicker than a few mean free paths; traces below about one percent",
            asks=(
                "energy",
                "dose",
                "dose_rate",
                "temperature",
                "atmosphere",
                "transfer",
                "storage",
            ),
        )
    ]


@hookimpl
def register_readers() -> Sequence[Reader]:
    """EMSA text."""
    return [
        Reader(
            "eels.msa",
            ("eels",),
            ("*.msa", "*.ems", "*.emsa"),
            probe=Ref("consilience_eels.probe:probe_msa"),
            read=Ref("consilience_eels.reading:read_msa"),
            options={
                "signal": "ELS: the spectrum is an energy loss, where the file names no type",
                "energy_unit": "eV or keV: unit of the energy axis, where the file names none",
            },
            title="EMSA/MAS spectrum (.msa), through rosettasciio",
        )
    ]


@hookimpl
def register_checks() -> Sequence[Check]:
    """Zero loss that is not at zero, negative counts."""
    return [
        Check("eels.spectrum", "eels", Ref("consilience_eels.checks:check_spectrum"), "sane axis")
    ]


@hookimpl
def register_views() -> Sequence[View]:
    """Draw the spectrum."""
    return [
        View(
            "eels.spectrum",
            "Energy-loss spectrum",
            Ref("consilience_eels.views:spectrum_view"),
            "eels",
        )
    ]


@hookimpl
def register_simulators() -> Sequence[Simulator]:
    """A low-loss spectrum."""
    return [
        Simulator(
            "eels.lowloss",
            "eels",
            Ref("consilience_eels.simulation:LowLossParams"),
            Ref("consilience_eels.simulation:simulate_lowloss"),
            "zero loss and plasmons with Poisson noise",
        )
    ]


@hookimpl
def register_rules() -> Sequence[Rules]:
    """A dose that is not recorded."""
    return [Rules("eels.rules", "consilience_eels", "rules.toml")]
