"""X-ray diffraction: what this plugin declares.  Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import (
    Analysis,
    Check,
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
from consilience_xrd import __version__
from consilience_xrd.files.option_help import (
    FRAME_OPTIONS,
    NEXUS_OPTIONS,
    SIZE_OPTIONS,
    TEXT_OPTIONS,
)


@hookimpl
def plugin_info() -> PluginInfo:
    """Who this is."""
    return PluginInfo(
        name="xrd",
        version=__version__,
        api=API_VERSION,
        summary="X-ray diffraction: patterns, peaks, phases and their rivals",
        licence="BSD-3-Clause",
    )


@hookimpl
def register_modalities() -> Sequence[Modality]:
    """Intensity over 2theta or q, and detector frames."""
    return [
        Modality(
            "xrd",
            "X-ray diffraction",
            coordinates={
                "two_theta": ("deg",),
                "q": ("1/angstrom",),
                "d": ("angstrom",),
            },
            variables={
                "intensity": ("count", "arbitrary"),
                "frames": ("count", "arbitrary"),
                "center": ("1/angstrom", "deg", "angstrom"),
            },
            sees="crystalline phases by their lattice spacings, averaged over the beam's path",
            blind="amorphous matter, and phases whose lines lie under others'; "
            "it tells lattices apart, not elements",
            asks=("energy", "dose", "dose_rate", "temperature", "atmosphere"),
        )
    ]


@hookimpl
def register_readers() -> Sequence[Reader]:
    """Text, PANalytical, NeXus, and images with their geometry."""
    return [
        Reader(
            "xrd.text",
            ("xrd",),
            ("*.xy", "*.xye", "*.csv"),
            probe=Ref("consilience_xrd.files.probe:probe_text"),
            read=Ref("consilience_xrd.files.reading:read_text"),
            options=TEXT_OPTIONS,
            title="columns of text (.xy, .xye, .csv)",
        ),
        Reader(
            "xrd.xrdml",
            ("xrd",),
            ("*.xrdml",),
            probe=Ref("consilience_xrd.files.probe:probe_xrdml"),
            read=Ref("consilience_xrd.files.reading:read_xrdml_file"),
            options=SIZE_OPTIONS,
            title="PANalytical .xrdml",
        ),
        Reader(
            "xrd.nexus",
            ("xrd",),
            ("*.nxs", "*.nx", "*.nexus", "*.h5", "*.hdf5"),
            probe=Ref("consilience_xrd.files.probe:probe_nexus"),
            read=Ref("consilience_xrd.files.reading:read_nexus"),
            open=Ref("consilience_xrd.files.nexus_open:open_nexus"),
            linked=Ref("consilience_xrd.files.nexus_links:linked_files"),
            options=NEXUS_OPTIONS,
            companions={"geometry": "pyFAI calibration (.poni) of a scan of frames"},
            title="NeXus: NXxrd, NXmonopd, NXazint1d, scans of patterns or frames",
        ),
        Reader(
            "xrd.image",
            ("xrd",),
            ("*.tif", "*.tiff", "*.edf", "*.cbf"),
            probe=Ref("consilience_xrd.files.probe:probe_image"),
            read=Ref("consilience_xrd.files.reading:read_image"),
            options=FRAME_OPTIONS,
            companions={"geometry": "pyFAI calibration (.poni)"},
            title="detector image with a pyFAI geometry",
        ),
    ]


@hookimpl
def register_kinds() -> Sequence[Kind]:
    """A line that nothing explains is a finding too."""
    return [
        Kind(
            "diffraction_line",
            "diffraction line",
            "scalar",
            "1/angstrom",
            0.01,
            False,
            "0.01 1/angstrom: tolerance of labels in common use",
        ),
        Kind("microstrain", "microstrain", "scalar", "1"),
        Kind("phase_history", "a phase over the states", "text", None),
        Kind("peak_series", "a diffraction line over the states", "series", "1/angstrom"),
        Kind(
            "cell_length",
            "length of a cell",
            "scalar",
            "angstrom",
            0.002,
            True,
            "0.2 %: as for lattice parameters",
        ),
    ]


@hookimpl
def register_analyses() -> Sequence[Analysis]:
    """Peaks alone; phases of a pattern or of an entered peak list."""
    return [
        Analysis(
            "xrd.peaks",
            "xrd",
            ("intensity",),
            Ref("consilience_xrd.findings.peak_params:LineParams"),
            Ref("consilience_xrd.findings.peaks:run_peaks"),
            ("diffraction_line",),
            default=False,
            title="peaks with errors",
        ),
        Analysis(
            "xrd.phases",
            "xrd",
            (),
            Ref("consilience_xrd.findings.params:PhaseParams"),
            Ref("consilience_xrd.findings.analyses:run_phases"),
            ("phase", "lattice_parameter", "diffraction_line", "phase_fraction"),
            title="phases, their rivals, and what is left over",
        ),
        Analysis(
            "xrd.size",
            "xrd",
            ("intensity",),
            Ref("consilience_xrd.findings.size_params:SizeParams"),
            Ref("consilience_xrd.findings.size:run_size"),
            ("size", "microstrain"),
            default=False,
            title="crystallite size and microstrain from the breadths of lines",
        ),
        Analysis(
            "xrd.maps",
            "xrd",
            (),
            Ref("consilience_xrd.findings.map_params:MapsParams"),
            Ref("consilience_xrd.findings.maps:run_maps"),
            ("phase", "lattice_parameter", "diffraction_line", "strain", "phase_map"),
            title="maps of phases, strain, width and background of a scan",
        ),
        Analysis(
            "xrd.series",
            "xrd",
            (),
            Ref("consilience_xrd.findings.series_params:SeriesParams"),
            Ref("consilience_xrd.findings.series:run_series"),
            ("phase_history", "peak_series", "strain", "cell_length"),
            default=False,
            scope="sample",
            title="lines, cells and phases over the states of a sample",
        ),
    ]


@hookimpl
def register_checks() -> Sequence[Check]:
    """Patterns without counts, below zero, or without wavelength."""
    return [
        Check("xrd.sane", "xrd", Ref("consilience_xrd.files.checks:check_pattern"), "sane pattern")
    ]


@hookimpl
def register_views() -> Sequence[View]:
    """The pattern with its fit and the phases' lines, and the rivals as a table."""
    return [
        View(
            "xrd.pattern", "Diffraction", Ref("consilience_xrd.drawing.views:pattern_view"), "xrd"
        ),
        View(
            "xrd.baseline",
            "Baseline",
            Ref("consilience_xrd.drawing.baseline_views:baseline_view"),
            "xrd",
        ),
        View(
            "xrd.size",
            "Breadths of lines",
            Ref("consilience_xrd.drawing.size_views:size_view"),
            "xrd",
        ),
        View(
            "xrd.series",
            "Diffraction over the states",
            Ref("consilience_xrd.drawing.series_views:series_view"),
            "xrd",
            scope="sample",
        ),
        View(
            "xrd.maps",
            "Diffraction maps",
            Ref("consilience_xrd.drawing.map_views:maps_view"),
            "xrd",
        ),
        View(
            "xrd.controls",
            "Diffraction: samples against their controls",
            Ref("consilience_xrd.drawing.control_view:control_view"),
            None,
            scope="study",
        ),
    ]


@hookimpl
def register_simulators() -> Sequence[Simulator]:
    """Lines of library phases with noise."""
    return [
        Simulator(
            "xrd.pattern",
            "xrd",
            Ref("consilience_xrd.simulation.powder:SimulationParams"),
            Ref("consilience_xrd.simulation.powder:run"),
            "powder pattern of library phases",
        ),
        Simulator(
            "xrd.map",
            "xrd",
            Ref("consilience_xrd.simulation.maps:MapParams"),
            Ref("consilience_xrd.simulation.maps:run"),
            "scan of patterns or frames over a map of phases",
        ),
    ]


@hookimpl
def register_exporters() -> Sequence[Exporter]:
    """Text that the text reader takes back."""
    return [
        Exporter(
            "xrd.xye",
            "xrd",
            ".xye",
            Ref("consilience_xrd.files.export:write_xye"),
            "columns of text",
        ),
        Exporter(
            "xrd.maps_nexus",
            "xrd",
            ".maps.nxs",
            Ref("consilience_xrd.files.map_export:write_maps_nexus"),
            "maps as NeXus, with errors",
            analysis="xrd.maps",
        ),
        Exporter(
            "xrd.maps_csv",
            "xrd",
            ".maps.csv",
            Ref("consilience_xrd.files.map_export:write_maps_csv"),
            "maps, a row for each point",
            analysis="xrd.maps",
        ),
        Exporter(
            "xrd.maps_xlsx",
            "xrd",
            ".maps.xlsx",
            Ref("consilience_xrd.files.map_export:write_maps_xlsx"),
            "maps, lines and findings as Excel sheets",
            analysis="xrd.maps",
        ),
        Exporter(
            "xrd.peaks_csv",
            "xrd",
            ".peaks.csv",
            Ref("consilience_xrd.files.map_export:write_peaks_csv"),
            "peaks, a row for each",
            analysis="xrd.phases",
        ),
        Exporter(
            "xrd.peaks_xlsx",
            "xrd",
            ".peaks.xlsx",
            Ref("consilience_xrd.files.map_export:write_peaks_xlsx"),
            "peaks, phases and cells as Excel sheets",
            analysis="xrd.phases",
        ),
    ]
