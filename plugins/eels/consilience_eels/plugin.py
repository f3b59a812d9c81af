"""Electron energy loss, energy-dispersive X-rays and electron images: what is declared."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import (
    Analysis,
    Check,
    Kind,
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
from consilience_eels.declared_analyses import ANALYSES
from consilience_eels.declared_readers import READERS
from consilience_eels.declared_views import VIEWS

ASKS = ("energy", "dose", "dose_rate", "temperature", "atmosphere", "transfer", "storage")
"""What the field wants reported of every measurement with a focused beam of electrons."""

SPACE = {"x": ("nm", "1"), "y": ("nm", "1")}
"""Pixels have unit 1 where a file is not calibrated."""


@hookimpl
def plugin_info() -> PluginInfo:
    """Who this is."""
    return PluginInfo(
        name="eels",
        version=__version__,
        api=API_VERSION,
        summary="electron energy-loss and X-ray spectra, and images, of electron microscopes",
        licence="GPL-3.0-or-later",
    )


@hookimpl
def register_modalities() -> Sequence[Modality]:
    """Counts over energy loss or X-ray energy, for each pixel or not; images."""
    return [
        Modality(
            "eels",
            "electron energy loss",
            coordinates={"energy_loss": ("eV",), **SPACE},
            variables={"counts": ("count",), "intensity": ("1",)},
            sees="elements and their bonding, lithium too, at the nanometre; thickness",
            blind="what is thicker than a few mean free paths; traces below about one percent",
            asks=ASKS,
        ),
        Modality(
            "edx",
            "energy-dispersive X-rays",
            coordinates={"energy": ("keV",), **SPACE},
            variables={"counts": ("count",), "intensity": ("1",)},
            sees="elements from about boron or carbon up, at the nanometre in thin specimens",
            blind="lithium always; elements whose line lies on another's; bonding",
            asks=ASKS,
        ),
        Modality(
            "stem",
            "electron image",
            coordinates=dict(SPACE),
            variables={"intensity": ("1",)},
            sees="shape, thickness and mean atomic number, at the ångström to nanometre",
            blind="which elements these are",
            asks=ASKS,
        ),
        Modality(
            "ediff",
            "electron diffraction",
            coordinates={"kx": ("1/nm", "1"), "ky": ("1/nm", "1"), **SPACE},
            variables={"intensity": ("1",)},
            sees="spacings of lattice planes, at the nanometre, to one or two percent",
            blind="which elements these are; what is not crystalline; orientations that do not "
            "diffract",
            asks=ASKS,
        ),
    ]


@hookimpl
def register_readers() -> Sequence[Reader]:
    """EMSA text, and the files of microscopes and of HyperSpy."""
    return READERS


@hookimpl
def register_kinds() -> Sequence[Kind]:
    """What the core does not know."""
    return [
        Kind(
            "d_spacing_slope",
            "change of a spacing with the dose",
            "scalar",
            "angstrom^3",
        ),
        Kind("energy_resolution", "energy resolution", "scalar", "eV"),
        Kind("drift", "drift of a series of frames", "scalar", "nm"),
        Kind("single_scattering", "spectrum without plural scattering", "series", None),
        Kind("splice_scale", "scale between low loss and core loss", "scalar", "1"),
        Kind("edge_intensity", "counts of an ionisation edge", "scalar", "count"),
    ]


@hookimpl
def register_analyses() -> Sequence[Analysis]:
    """What is measured on spectra, images and patterns."""
    return ANALYSES


@hookimpl
def register_checks() -> Sequence[Check]:
    """Zero loss that is not at zero, negative counts, no beam."""
    return [
        Check(
            "eels.spectrum",
            "eels",
            Ref("consilience_eels.files.checks:check_spectrum"),
            "sane axis",
        ),
        Check("eels.edx", "edx", Ref("consilience_eels.files.checks:check_edx"), "X-rays at all"),
    ]


@hookimpl
def register_views() -> Sequence[View]:
    """Spectra with their windows, and images."""
    return VIEWS


@hookimpl
def register_simulators() -> Sequence[Simulator]:
    """A low-loss spectrum, an X-ray map, and an interphase with all of them."""
    return [
        Simulator(
            "eels.lattice",
            "stem",
            Ref("consilience_eels.simulation.lattice:LatticeParams"),
            Ref("consilience_eels.simulation.lattice:simulate_lattice"),
            "grains of one lattice: image and nanobeam patterns, also over a series of doses",
        ),
        Simulator(
            "eels.interphase",
            "eels",
            Ref("consilience_eels.simulation.interphase:InterphaseParams"),
            Ref("consilience_eels.simulation.interphase:simulate_interphase"),
            "layers in cross-section: low and core loss, X-rays, dark field",
        ),
        Simulator(
            "eels.lowloss",
            "eels",
            Ref("consilience_eels.simulation.lowloss:LowLossParams"),
            Ref("consilience_eels.simulation.lowloss:simulate_lowloss"),
            "zero loss and plasmons with Poisson noise",
        ),
        Simulator(
            "eels.particle",
            "edx",
            Ref("consilience_eels.simulation.particle:EdxParams"),
            Ref("consilience_eels.simulation.particle:simulate_edx"),
            "X-ray map and dark field of an iron-platinum particle",
        ),
    ]


@hookimpl
def register_rules() -> Sequence[Rules]:
    """A dose that is not recorded."""
    return [Rules("eels.rules", "consilience_eels", "rules.toml")]
