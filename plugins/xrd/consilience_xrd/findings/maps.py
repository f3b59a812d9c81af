"""The analysis of maps: from a scan to maps of phases, strain, width and background, by region."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.checkpoints import Checkpoints
from consilience.errors import BadInputError
from consilience.model.measurement import Measurement, Notice
from consilience.sizes import with_probe
from consilience_xrd.findings.map_drafts import (
    phase_map_drafts,
    region_drafts,
    strain_drafts,
)
from consilience_xrd.findings.map_job import FORMAT, MapJob
from consilience_xrd.findings.map_params import MapsParams
from consilience_xrd.findings.map_record import maps_dataset, patterns_dataset
from consilience_xrd.findings.patterns import phases_considered, references_for
from consilience_xrd.findings.probed import sizes_of
from consilience_xrd.maps.frames import frame_scan
from consilience_xrd.maps.scan import Scan, pattern_scan

__all__ = ["is_map", "run_maps"]


def is_map(measurement: Measurement) -> bool:
    """Whether a measurement is a scan of patterns or of frames, known without opening it."""
    variables = measurement.record.summary.variables
    for name, inner in (("intensity", 1), ("frames", 2)):
        if name in variables:
            return len(variables[name].shape) > inner
    return False


NO_GEOMETRY = "no-geometry"
"""Code of the notice of frames that were registered without a geometry."""


def run_maps(
    measurements: Sequence[Measurement], params: MapsParams, context: AnalysisContext
) -> AnalysisOutput:
    """Fit every pattern of a scan and say what is where; a single pattern is left to others."""
    measurement = measurements[0]
    if not is_map(measurement):
        return AnalysisOutput([])
    if any(n.code == NO_GEOMETRY for n in measurement.record.notices):
        text = "the frames have no geometry, so no map was made of them"
        fix = "register them with --with geometry=FILE.poni"
        return AnalysisOutput([], {}, [Notice(code=NO_GEOMETRY, message=text, fix=fix)])
    scan = _scan(measurement, params, context)
    if scan.points == 1:
        text = "the scan has one point, so nothing can vary over it"
        fix = "run xrd.phases, which takes its pattern"
        return AnalysisOutput([], {}, [Notice(code="one-point", message=text, fix=fix)])
    phases, notices = phases_considered(params, context)
    q_range = float(scan.q[0]), float(scan.q[-1])
    references = references_for(phases, scan.wavelength, q_range, context)
    job = MapJob(measurement, params, context, scan, references)
    found = job.run()
    notices += job.notices(found)
    findings = [
        draft
        for number, region in enumerate(found.regions)
        for draft in region_drafts(found, number, region, "frames" in measurement.data)
    ]
    findings += strain_drafts(found)
    findings += phase_map_drafts(found)
    arrays = {"maps": maps_dataset(found), "patterns": patterns_dataset(found)}
    return AnalysisOutput(with_probe(findings, *sizes_of(measurement)), arrays, notices)


def _scan(measurement: Measurement, params: MapsParams, context: AnalysisContext) -> Scan:
    data, about = measurement.data, measurement.metadata
    low, high = params.q_min, params.q_max
    if measurement.has("frames"):
        identity = {
            "what": "xrd.maps frames",
            "format": FORMAT,
            "measurement": measurement.id,
            "npt": params.npt,
            "q": [low, high],
            "polarization": params.polarization,
            "saturation": params.saturation,
        }
        return frame_scan(
            data,
            about,
            npt=params.npt,
            q_min=low,
            q_max=high,
            polarization=params.polarization,
            saturation=params.saturation,
            checkpoints=Checkpoints(context.cache, identity),
        )
    if params.axis_min is not None or params.axis_max is not None:
        raise BadInputError(
            "axis_min and axis_max are not used for maps, whose axis is q",
            fix="give q_min and q_max in 1/angstrom",
        )
    return pattern_scan(data, about, low, high, params.wavelength)
