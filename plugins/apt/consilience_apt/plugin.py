"""Atom probe tomography: what this plugin declares."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import (
    Analysis,
    Check,
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
from consilience.hookspecs import API_VERSION, hookimpl
from consilience_apt import __version__


@hookimpl
def plugin_info() -> PluginInfo:
    """Who this is."""
    return PluginInfo(
        name="apt",
        version=__version__,
        api=API_VERSION,
        summary="atom probe tomography: spectrum, composition, profiles and tests of homogeneity",
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
            probe=Ref("consilience_apt.files.probe:probe_pos"),
            read=Ref("consilience_apt.files.reading:read_pos"),
            open=Ref("consilience_apt.files.lazy:open_ions"),
            options={"salvage": _SALVAGE, "join_ranges": _JOIN},
            companions=_RANGES,
            title="reconstructed ions (.pos)",
        ),
        Reader(
            "apt.epos",
            ("apt",),
            ("*.epos",),
            probe=Ref("consilience_apt.files.probe:probe_epos"),
            read=Ref("consilience_apt.files.reading:read_epos"),
            open=Ref("consilience_apt.files.lazy:open_ions"),
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
            probe=Ref("consilience_apt.files.probe:probe_apt"),
            read=Ref("consilience_apt.files.reading_apt:read_apt"),
            open=Ref("consilience_apt.files.lazy:open_ions"),
            options={"salvage": _SALVAGE, "join_ranges": _JOIN},
            companions=_RANGES,
            title="reconstructed ions of AP Suite (.apt)",
        ),
        Reader(
            "apt.ato",
            ("apt",),
            ("*.ato",),
            probe=Ref("consilience_apt.files.probe:probe_ato"),
            read=Ref("consilience_apt.files.reading_ato:read_ato"),
            open=Ref("consilience_apt.files.lazy:open_ions"),
            options={"salvage": _SALVAGE, "join_ranges": _JOIN},
            companions=_RANGES,
            title="reconstructed ions of the Rouen group (.ato, versions 3 and 5)",
        ),
        Reader(
            "apt.hdf5",
            ("apt",),
            ("*.h5", "*.hdf5", "*.nxs"),
            probe=Ref("consilience_apt.files.probe:probe_hdf5"),
            read=Ref("consilience_apt.files.reading_hdf5:read_hdf5"),
            open=Ref("consilience_apt.files.lazy:open_hdf5"),
            options={"join_ranges": _JOIN},
            companions=_RANGES,
            title="reconstructed ions in HDF5 (PyCCAPT, NXapm)",
        ),
    ]


@hookimpl
def register_comparisons() -> Sequence[Comparison]:
    """Profiles along the needle are held against other profiles as the core holds them."""
    mine = "composition_profile"
    return [
        Comparison(
            "apt.profiles",
            ((mine, mine), (mine, "line_profile")),
            Ref("consilience_apt.findings.profiles_compared:compare"),
            "correlation of two profiles along one line against profiles as smooth as they are",
        )
    ]


@hookimpl
def register_kinds() -> Sequence[Kind]:
    """What atom probe says besides the core kinds."""
    return [
        Kind("mass_spectrum", "mass spectrum", "text", None),
        Kind("mass_resolution", "mass resolution m/Δm at half maximum", "scalar", "1"),
        Kind("background_share", "share of background in the ranges", "scalar", "1"),
        Kind("multiple_hit_share", "share of ions in multiple hits", "scalar", "1"),
        Kind("ionic_fraction", "fraction of the ranged ions", "composition", "1"),
        Kind("composition_profile", "composition along an axis", "series", "1"),
        Kind("composition_map", "composition over two axes", "map", "1"),
        Kind("composition_gradient", "gradient of a fraction", "scalar", "1/nm"),
        Kind("interfacial_excess", "atoms in excess at an interface", "scalar", "1/nm^2"),
        Kind("isosurface_area", "area of an iso-concentration surface", "scalar", "nm^2"),
        Kind("facet_area", "area of a facet of an iso-concentration surface", "scalar", "nm^2"),
        Kind("reconstruction", "what the reconstruction is good for", "text", None),
        Kind("atomic_density", "detected atoms per volume", "scalar", "1/nm^3"),
        Kind("density_ratio", "detected density over the expected one", "scalar", "1"),
    ]


@hookimpl
def register_analyses() -> Sequence[Analysis]:
    """Spectrum, composition, profile and homogeneity; the others if they are named."""
    needed = ("mass_to_charge",)
    placed = ("x", "y", "z", "mass_to_charge")
    return [
        Analysis(
            "apt.spectrum",
            "apt",
            needed,
            Ref("consilience_apt.params:SpectrumParams"),
            Ref("consilience_apt.analyses:run_spectrum"),
            (
                "mass_spectrum",
                "mass_resolution",
                "background_share",
                "multiple_hit_share",
                "element",
            ),
            title="peaks, elements and rivals, and the ranges held against the isotopes",
        ),
        Analysis(
            "apt.composition",
            "apt",
            needed,
            Ref("consilience_apt.params:CompositionParams"),
            Ref("consilience_apt.analyses:run_composition"),
            ("composition", "ionic_fraction"),
            title="composition of the whole volume, and of named regions",
        ),
        Analysis(
            "apt.profile",
            "apt",
            placed,
            Ref("consilience_apt.params:ProfileParams"),
            Ref("consilience_apt.analyses:run_profile"),
            (
                "composition_profile",
                "composition_map",
                "composition_gradient",
                "composition",
                "interface_position",
                "interface_width",
                "interfacial_excess",
                "phase",
            ),
            title="composition along the needle, its stretches and what is between them",
        ),
        Analysis(
            "apt.homogeneity",
            "apt",
            placed,
            Ref("consilience_apt.params:HomogeneityParams"),
            Ref("consilience_apt.analyses:run_homogeneity"),
            ("homogeneity",),
            title="tests of random spread within each stretch",
        ),
        Analysis(
            "apt.surfaces",
            "apt",
            placed,
            Ref("consilience_apt.params:SurfaceParams"),
            Ref("consilience_apt.analyses:run_surfaces"),
            ("isosurface_area", "composition", "interface_width", "interfacial_excess"),
            default=False,
            title="iso-concentration surface and proximity histogram",
        ),
        Analysis(
            "apt.facets",
            "apt",
            placed,
            Ref("consilience_apt.params:FacetParams"),
            Ref("consilience_apt.analyses:run_facets"),
            ("facet_area", "interfacial_excess"),
            default=False,
            title="facets of an iso-concentration surface, and what lies on each",
        ),
        Analysis(
            "apt.planes",
            "apt",
            placed,
            Ref("consilience_apt.params:PlaneParams"),
            Ref("consilience_apt.analyses:run_planes"),
            ("d_spacing",),
            default=False,
            title="spacing of lattice planes in a region, or why it cannot be told",
        ),
        Analysis(
            "apt.reconstruction",
            "apt",
            placed,
            Ref("consilience_apt.params:ReconstructionParams"),
            Ref("consilience_apt.analyses:run_reconstruction"),
            ("reconstruction", "atomic_density", "density_ratio"),
            default=False,
            title="density against the expected one, and the errors of lengths",
        ),
    ]


@hookimpl
def register_checks() -> Sequence[Check]:
    """Ions that a reconstruction cannot have made."""
    return [Check("apt.sane", "apt", Ref("consilience_apt.checks:check_ions"), "sane ions")]


@hookimpl
def register_views() -> Sequence[View]:
    """Spectrum and ranges, needle, composition along it, tests."""
    return [View("apt.ions", "Atom probe", Ref("consilience_apt.drawing.views:ions_view"), "apt")]


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
