"""The analyses that the plugin declares; imports none of them."""

from __future__ import annotations

from consilience.declarations import Analysis, Ref

__all__ = ["ANALYSES"]

ANALYSES: tuple[Analysis, ...] = (
    Analysis(
        "xrf.maps",
        "xrf_map",
        (),
        params=Ref("consilience_xrf.findings.amount_params:MapsParams"),
        run=Ref("consilience_xrf.findings.maps_run:run_maps"),
        kinds=("element_map", "thickness"),
        scope="sample",
        title="element maps of a sample's scans on one scale, and what absorption costs",
    ),
    Analysis(
        "xrf.profile",
        "xrf_map",
        (),
        params=Ref("consilience_xrf.findings.amount_params:ProfileParams"),
        run=Ref("consilience_xrf.findings.profile_run:run_profile"),
        kinds=("line_profile",),
        default=False,
        scope="sample",
        title="element maps along a line, all scans of a sample",
    ),
    Analysis(
        "xrf.density",
        "xrf_map",
        (),
        params=Ref("consilience_xrf.findings.amount_params:DensityParams"),
        run=Ref("consilience_xrf.findings.density_run:run_density"),
        kinds=("mass_thickness",),
        default=False,
        scope="sample",
        title="mass per area by a standard or by fundamental parameters",
    ),
    Analysis(
        "xrf.sensitivity",
        "xrf_map",
        (),
        params=Ref("consilience_xrf.findings.amount_params:SensitivityParams"),
        run=Ref("consilience_xrf.findings.sensitivity_run:run_sensitivity"),
        kinds=("xrf_sensitivity",),
        default=False,
        title="counts for a mass per area, from a standard",
    ),
)
