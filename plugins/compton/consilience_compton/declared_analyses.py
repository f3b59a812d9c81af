"""The analyses that the plugin declares; imports none of them."""

from __future__ import annotations

from consilience.declarations import Analysis, Ref

__all__ = ["ANALYSES"]

ANALYSES: tuple[Analysis, ...] = (
    Analysis(
        "compton.momentum",
        "compton",
        ("counts",),
        params=Ref("consilience_compton.findings.momentum_params:MomentumParams"),
        run=Ref("consilience_compton.findings.momentum_run:run_momentum"),
        kinds=("momentum_ratio",),
        title="profile of electron momentum, and ratio of low to high momentum",
    ),
    Analysis(
        "compton.regions",
        "compton",
        ("counts",),
        params=Ref("consilience_compton.findings.momentum_params:RegionParams"),
        run=Ref("consilience_compton.findings.regions_run:run_regions"),
        kinds=("momentum_ratio",),
        scope="sample",
        title="cathode, electrolyte and anode out of three positions of the beam",
    ),
    Analysis(
        "compton.changes",
        "compton",
        ("counts",),
        params=Ref("consilience_compton.findings.momentum_params:ChangeParams"),
        run=Ref("consilience_compton.findings.changes_run:run_changes"),
        kinds=("spatial_change",),
        scope="sample",
        title="maps of the momentum ratio over states, and where they changed",
    ),
    Analysis(
        "compton.calibration",
        "compton",
        ("counts",),
        params=Ref("consilience_compton.findings.calibration_params:CalibrationParams"),
        run=Ref("consilience_compton.findings.calibration_run:run_calibration"),
        kinds=("energy_shift", "detector_resolution", "bad_pixels"),
        title="energy scale of each pixel from the detector's own lines, bad pixels",
    ),
    Analysis(
        "compton.drift",
        "compton",
        ("counts",),
        params=Ref("consilience_compton.findings.calibration_params:DriftParams"),
        run=Ref("consilience_compton.findings.drift_run:run_drift"),
        kinds=("peak_shift", "angle_drift"),
        scope="sample",
        title="shift of the Compton peak and of the lines between states",
    ),
    Analysis(
        "compton.series",
        "compton",
        (),
        params=Ref("consilience_compton.findings.series_params:SeriesParams"),
        run=Ref("consilience_compton.findings.series_run:run_series"),
        kinds=(
            "momentum_ratio",
            "li_content",
            "roughness",
            "areal_roughness",
            "lithium_calibration",
            "relative_change",
            "rank_association",
        ),
        scope="sample",
        title="ratio, lithium and roughness over the states of one cell",
    ),
    Analysis(
        "compton.surface",
        "xct",
        (),
        params=Ref("consilience_compton.findings.surface_params:SurfaceParams"),
        run=Ref("consilience_compton.findings.surface_run:run_surface"),
        kinds=("areal_roughness", "roughness", "correlation_length", "volume_fraction"),
        title="roughness of an interface, pores below it, fragments",
    ),
    Analysis(
        "compton.components",
        "xct",
        (),
        params=Ref("consilience_compton.findings.surface_params:ComponentParams"),
        run=Ref("consilience_compton.findings.components_run:run_components"),
        kinds=("volume_fraction", "volume_ratio"),
        title="shares of the phases of a segmented volume, α and β",
    ),
)
