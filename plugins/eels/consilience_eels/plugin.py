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
    return [
        Reader(
            "eels.msa",
            ("eels", "edx"),
            ("*.msa", "*.ems", "*.emsa"),
            probe=Ref("consilience_eels.files.probe:probe_msa"),
            read=Ref("consilience_eels.files.reading:read_msa"),
            options={
                "signal": "ELS or EDS: what the spectrum is, where the file names no type",
                "energy_unit": "eV or keV: unit of the energy axis, where the file names none",
            },
            title="EMSA/MAS spectrum (.msa), through rosettasciio",
        ),
        Reader(
            "eels.microscope",
            ("eels", "edx", "stem"),
            ("*.dm3", "*.dm4", "*.emd", "*.bcf", "*.hspy", "*.zspy"),
            probe=Ref("consilience_eels.files.probe:probe_microscope"),
            read=Ref("consilience_eels.files.microscope_files:read_microscope"),
            open=Ref("consilience_eels.files.lazy:open_microscope"),
            options={
                "signal": "EELS or EDX: what spectra are that the file gives no type",
                "energy_unit": "eV or keV: unit of the energy axis, where the file names none",
            },
            title="DigitalMicrograph, Velox, Bruker and HyperSpy files, through rosettasciio",
        ),
        Reader(
            "eels.diffraction",
            ("ediff",),
            ("*.blo", "*.mib"),
            probe=Ref("consilience_eels.files.probe_diffraction:probe_diffraction"),
            read=Ref("consilience_eels.files.diffraction_files:read_diffraction"),
            options={
                "camera_length": "m, where the file has none or a wrong one",
                "k_step": "1/nm for each pixel of a pattern; overrides the camera length",
            },
            title="NanoMegas block files and Merlin frames, through rosettasciio",
        ),
    ]


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
        Kind(
            "mass_thickness",
            "mass per area",
            "scalar",
            "kg/m^2",
            0.2,
            True,
            "20 %, as thickness",
        ),
        Kind("energy_resolution", "energy resolution", "scalar", "eV"),
        Kind("drift", "drift of a series of frames", "scalar", "nm"),
        Kind("single_scattering", "spectrum without plural scattering", "series", None),
        Kind("splice_scale", "scale between low loss and core loss", "scalar", "1"),
        Kind("edge_intensity", "counts of an ionisation edge", "scalar", "count"),
        Kind("line_profile", "profile along a line", "series", None),
    ]


@hookimpl
def register_analyses() -> Sequence[Analysis]:
    """Relative thickness, and composition."""
    return [
        Analysis(
            "eels.thickness",
            "eels",
            (),
            params=Ref("consilience_eels.findings.thickness_run:ThicknessParams"),
            run=Ref("consilience_eels.findings.thickness_run:run_thickness"),
            kinds=("t_over_lambda", "thickness"),
            title="relative thickness by the log-ratio, and in nm where a density is given",
        ),
        Analysis(
            "eels.zero_loss",
            "eels",
            (),
            params=Ref("consilience_eels.findings.zero_loss_run:ZeroLossParams"),
            run=Ref("consilience_eels.findings.zero_loss_run:run_zero_loss"),
            kinds=("energy_resolution",),
            title="energy resolution, place of each zero loss, and spikes",
        ),
        Analysis(
            "eels.frames",
            "eels",
            (),
            params=Ref("consilience_eels.findings.frames_run:FramesParams"),
            run=Ref("consilience_eels.findings.frames_run:run_frames"),
            kinds=("drift",),
            title="drift of a series of spectrum images, and their sum",
        ),
        Analysis(
            "eels.image_frames",
            "stem",
            (),
            params=Ref("consilience_eels.findings.frames_run:FramesParams"),
            run=Ref("consilience_eels.findings.frames_run:run_frames"),
            kinds=("drift",),
            title="drift of a series of images, and their sum",
        ),
        Analysis(
            "eels.single_scattering",
            "eels",
            (),
            params=Ref("consilience_eels.findings.deconvolution_run:SingleScatteringParams"),
            run=Ref("consilience_eels.findings.deconvolution_run:run_single_scattering"),
            kinds=("single_scattering",),
            default=False,
            title="single scattering of a low loss by Fourier-log",
        ),
        Analysis(
            "eels.fourier_ratio",
            "eels",
            (),
            params=Ref("consilience_eels.findings.deconvolution_run:FourierRatioParams"),
            run=Ref("consilience_eels.findings.deconvolution_run:run_fourier_ratio"),
            kinds=("single_scattering",),
            default=False,
            scope="sample",
            title="core loss without plural scattering by Fourier-ratio",
        ),
        Analysis(
            "eels.splice",
            "eels",
            (),
            params=Ref("consilience_eels.findings.splice_run:SpliceParams"),
            run=Ref("consilience_eels.findings.splice_run:run_splice"),
            kinds=("splice_scale",),
            default=False,
            scope="sample",
            title="low loss and core loss of one scan as one spectrum",
        ),
        Analysis(
            "eels.edges",
            "eels",
            (),
            params=Ref("consilience_eels.findings.edges_params:EdgesParams"),
            run=Ref("consilience_eels.findings.edges_run:run_edges"),
            kinds=("edge_intensity", "composition", "element"),
            title="counts of ionisation edges, fractions, and presence",
        ),
        Analysis(
            "eels.components",
            "eels",
            (),
            params=Ref("consilience_eels.findings.components_run:ComponentParams"),
            run=Ref("consilience_eels.findings.components_run:run_components"),
            kinds=("homogeneity",),
            default=False,
            title="components of a spectrum image, and which references they are like",
        ),
        Analysis(
            "eels.fingerprints",
            "eels",
            (),
            params=Ref("consilience_eels.findings.fingerprints_run:FingerprintParams"),
            run=Ref("consilience_eels.findings.fingerprints_run:run_fingerprints"),
            kinds=("phase", "element"),
            default=False,
            scope="sample",
            title="phases by reference spectra: present, absent below a limit, or not observable",
        ),
        Analysis(
            "eels.profile",
            "eels",
            (),
            params=Ref("consilience_eels.findings.profile_params:ProfileParams"),
            run=Ref("consilience_eels.findings.profile_run:run_profile"),
            kinds=("line_profile", "interface_position", "interface_width"),
            default=False,
            title="profile along a line of counts or edges of a spectrum image, and its interfaces",
        ),
        Analysis(
            "eels.profile_edx",
            "edx",
            (),
            params=Ref("consilience_eels.findings.profile_params:ProfileParams"),
            run=Ref("consilience_eels.findings.profile_run:run_profile"),
            kinds=("line_profile", "interface_position", "interface_width"),
            default=False,
            title="profile along a line of counts or lines of an X-ray image, and its interfaces",
        ),
        Analysis(
            "eels.profile_image",
            "stem",
            (),
            params=Ref("consilience_eels.findings.profile_params:ProfileParams"),
            run=Ref("consilience_eels.findings.profile_run:run_profile"),
            kinds=("line_profile", "interface_position", "interface_width"),
            default=False,
            title="profile along a line of an image, and its interfaces",
        ),
        Analysis(
            "eels.quantification",
            "edx",
            (),
            params=Ref("consilience_eels.findings.quantify_run:QuantificationParams"),
            run=Ref("consilience_eels.findings.quantify_run:run_quantification"),
            kinds=("composition", "element", "mass_thickness", "thickness"),
            title="composition by Cliff–Lorimer, ζ-factors or cross-sections; presence by lines",
        ),
        Analysis(
            "eels.rings",
            "ediff",
            (),
            params=Ref("consilience_eels.findings.rings_params:RingParams"),
            run=Ref("consilience_eels.findings.rings_run:run_rings"),
            kinds=("d_spacing", "lattice_parameter"),
            title="spacings of lattice planes from rings and spots",
        ),
        Analysis(
            "eels.image_rings",
            "stem",
            (),
            params=Ref("consilience_eels.findings.rings_params:RingParams"),
            run=Ref("consilience_eels.findings.rings_run:run_rings"),
            kinds=("d_spacing", "lattice_parameter"),
            default=False,
            title="spacings of lattice planes from the transform of an image",
        ),
        Analysis(
            "eels.ring_series",
            "ediff",
            (),
            params=Ref("consilience_eels.findings.rings_params:RingSeriesParams"),
            run=Ref("consilience_eels.findings.ring_series_run:run_ring_series"),
            kinds=("d_spacing_slope",),
            default=False,
            scope="sample",
            title="spacings against the dose",
        ),
        Analysis(
            "eels.image_ring_series",
            "stem",
            (),
            params=Ref("consilience_eels.findings.rings_params:RingSeriesParams"),
            run=Ref("consilience_eels.findings.ring_series_run:run_ring_series"),
            kinds=("d_spacing_slope",),
            default=False,
            scope="sample",
            title="spacings against the dose, of images",
        ),
    ]


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
    return [
        View(
            "eels.fingerprints",
            "Fingerprints",
            Ref("consilience_eels.drawing.views_fingerprints:fingerprint_view"),
            "eels",
            scope="sample",
        ),
        View(
            "eels.spectrum",
            "Energy-loss spectrum",
            Ref("consilience_eels.drawing.views:spectrum_view"),
            "eels",
        ),
        View(
            "eels.zero_loss",
            "Zero loss",
            Ref("consilience_eels.drawing.views_lowloss:zero_loss_view"),
            "eels",
        ),
        View(
            "eels.frames",
            "Drift of spectrum images",
            Ref("consilience_eels.drawing.views_lowloss:frames_view"),
            "eels",
        ),
        View(
            "eels.image_frames",
            "Drift of images",
            Ref("consilience_eels.drawing.views_lowloss:frames_view"),
            "stem",
        ),
        View(
            "eels.joined",
            "Single scattering, and joined spectra",
            Ref("consilience_eels.drawing.views_lowloss:joined_view"),
            "eels",
            scope="sample",
        ),
        View(
            "eels.edges",
            "Ionisation edges",
            Ref("consilience_eels.drawing.views_edges:edges_view"),
            "eels",
        ),
        View(
            "eels.profiles",
            "Profiles of energy losses",
            Ref("consilience_eels.drawing.views_profiles:profiles_view"),
            "eels",
        ),
        View(
            "eels.profiles_edx",
            "Profiles of X-rays",
            Ref("consilience_eels.drawing.views_profiles:profiles_view"),
            "edx",
        ),
        View(
            "eels.profiles_image",
            "Profiles of images",
            Ref("consilience_eels.drawing.views_profiles:profiles_view"),
            "stem",
        ),
        View(
            "eels.edx", "X-ray spectrum", Ref("consilience_eels.drawing.views_edx:edx_view"), "edx"
        ),
        View(
            "eels.image",
            "Electron image",
            Ref("consilience_eels.drawing.views_image:image_view"),
            "stem",
        ),
        View(
            "eels.diffraction",
            "Electron diffraction",
            Ref("consilience_eels.drawing.views_rings:rings_view"),
            "ediff",
        ),
        View(
            "eels.image_rings",
            "Rings of images",
            Ref("consilience_eels.drawing.views_rings:rings_view"),
            "stem",
        ),
        View(
            "eels.ring_series",
            "Spacings against the dose",
            Ref("consilience_eels.drawing.views_rings:series_view"),
            "ediff",
            scope="sample",
        ),
        View(
            "eels.image_ring_series",
            "Spacings against the dose",
            Ref("consilience_eels.drawing.views_rings:series_view"),
            "stem",
            scope="sample",
        ),
    ]


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
