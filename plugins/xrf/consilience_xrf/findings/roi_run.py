"""The analysis ``xrf.roi``: counts in windows about lines, as a quick look beside the fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Rival, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_xrf.findings.elements_run import unusable_axis
from consilience_xrf.findings.map_input import beam_of
from consilience_xrf.findings.probed import placed
from consilience_xrf.findings.roi_params import RoiParams
from consilience_xrf.fitting.maps import chosen_families, mean_spectrum
from consilience_xrf.fitting.roi import Roi, RoiSums, roi_sums, roi_window
from consilience_xrf.fitting.unusable import no_spectrum
from consilience_xrf.lines.calibration import noise_of_peaks
from consilience_xrf.lines.geometry import Geometry
from consilience_xrf.lines.response import Response

__all__ = ["run_roi"]

Array = NDArray[np.float64]

NOISE = 0.1
"""keV, where no peak tells."""
SOME = 0.005
"""Share of another family's counts from which it is named."""
METHOD = "counts in a window about the main line, less a straight background from both sides"
ASSUMPTIONS = [
    "the background below the window is a straight line",
    "no line but those that are named lies in the window or beside it",
]


def run_roi(
    measurements: Sequence[Measurement], params: RoiParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return net counts in a window about the main line of each family that is named.

    Returns
    -------
    AnalysisOutput
        A finding of kind ``roi_counts`` for each family, which has no status: whether an element
        is there is what ``xrf.elements`` says.  Its systematic error is unknown, but its
        evidence says which share of its own counts the window keeps, and what it takes of the
        other families that were named.
    """
    (measurement,) = measurements
    refused = unusable_axis(measurement, params.incident_energy)
    if refused is not None:
        return AnalysisOutput([], {}, [refused])
    name = measurement.record.name
    data = measurement.data
    counts = data["counts"].transpose(..., "channel")
    energy = np.asarray(data["energy"].values, dtype=np.float64)
    beam = beam_of(measurement, params.incident_energy)
    try:
        families, why = chosen_families(
            list(dict.fromkeys([*params.elements, *context.sample.elements])),
            energy[energy > 0],
            beam,
        )
    except BadInputError as fault:
        return AnalysisOutput([], {}, [_notice("no-window", name, fault.what, fault.fix or "")])
    cube: Any = counts if counts.ndim > 1 else np.asarray(counts.values)[None]
    mean, good = mean_spectrum(cube)
    number = int(good.sum())
    if not number:
        none = no_spectrum(cube)
        return AnalysisOutput([], {}, [_notice("no-window", name, none.what, none.fix)])
    total = mean * number
    geometry = Geometry(beam)
    noise = params.noise or noise_of_peaks(energy, total, geometry) or NOISE
    response = Response(noise=noise)
    rois: list[Roi] = []
    notices = [_notice("no-window", name, f"{n}: {reason}") for n, reason in why.items()]
    for family in families:
        made = roi_window(family, energy, response, params.half, params.side)
        if isinstance(made, str):
            notices.append(_notice("no-window", name, made))
        else:
            rois.append(made)
    if not rois:
        if not notices:
            notices.append(
                _notice(
                    "no-window", name, "no element was named", "say elements=[…] or the sample's"
                )
            )
        return AnalysisOutput([], {}, notices)
    summed = roi_sums(total, rois)
    whole = _spectrum(energy, total, rois)
    if params.maps and counts.ndim > 1 and good.size > 1:
        whole = _maps(roi_sums(cube, rois, good), rois, counts).merge(whole)
    drafts = []
    for i, roi in enumerate(rois):
        kept = roi.taken(roi.family, energy, response, geometry)
        others = {
            other.family.name: share
            for other in rois
            if other.family.name != roi.family.name
            and abs(share := roi.taken(other.family, energy, response, geometry)) > SOME
        }
        drafts.append(_draft(summed, i, roi, kept, others, noise, number))
    drafts = placed(drafts, measurement, counts)
    return AnalysisOutput(drafts, {"windows": whole}, notices)


def _notice(code: str, name: str, said: str, fix: str = "") -> Notice:
    return Notice(code=code, message=f"{name}: {said}", fix=fix)


def _draft(
    summed: RoiSums,
    i: int,
    roi: Roi,
    kept: float,
    others: dict[str, float],
    noise: float,
    number: int,
) -> FindingDraft:
    family = roi.family
    return FindingDraft(
        kind="roi_counts",
        subject=Subject(element=family.element, label=family.name),
        value=float(summed.net[i]),
        unit="count",
        std_stat=float(summed.std[i]),
        rivals=[
            Rival(
                subject=Subject(element=other.partition("_")[0], label=other),
                live=True,
                explains=[f"{share:+.1%} of the counts of {other} are counted here"],
                decided_by=["the fit of xrf.elements"],
                note="its lines lie in the window, or beside it, where they lower the number",
            )
            for other, share in others.items()
        ],
        array="windows",
        evidence={
            "line": family.name,
            "energy_keV": family.main,
            "window_keV": list(roi.ends[1:3]),
            "sides_keV": [roi.ends[0], roi.ends[3]],
            "limit_counts": float(summed.limit[i]),
            "share_of_own_counts": kept,
            "takes_of_others": others,
            "noise_keV": noise,
            "spectra": number,
        },
        assumptions=list(ASSUMPTIONS),
        method=METHOD,
    )


def _spectrum(energy: Array, total: Array, rois: Sequence[Roi]) -> xr.Dataset:
    """Return the summed spectrum, with the ends of sides and windows in keV."""
    names = [roi.family.name for roi in rois]
    return xr.Dataset(
        {
            "counts": ("channel", total, {"units": "count", "long_name": "sum of all spectra"}),
            "ends": (("window", "end"), np.array([roi.ends for roi in rois]), {"units": "keV"}),
        },
        {
            "channel": ("channel", np.arange(energy.size, dtype=float), {"units": "1"}),
            "energy": ("channel", energy, {"units": "keV"}),
            "window": ("window", np.arange(len(rois)), {"units": "1", "names": names}),
            "end": ("end", np.arange(4), {"units": "1"}),
        },
    )


def _maps(sums: RoiSums, rois: Sequence[Roi], counts: xr.DataArray) -> xr.Dataset:
    """Return net counts of each window over the scan, with errors by counting and limits."""
    dims = tuple(counts.dims[:-1])
    variables: dict[str, Any] = {}
    for i, roi in enumerate(rois):
        name = roi.family.name
        attrs = {"units": "count", "missing": "no counts, or values that are no counts"}
        own = {"element": roi.family.element, "line": roi.family.shell}
        said = {"long_name": f"counts in a window about {name}, less the background"}
        variables[name] = (
            dims, sums.net[i], {**attrs, **own, **said, "ancillary_variables": f"{name}_std"},
        )  # fmt: skip
        variables[f"{name}_std"] = (dims, sums.std[i], dict(attrs))
        variables[f"{name}_limit"] = (dims, sums.limit[i], dict(attrs))
    kept = {n: c.variable for n, c in counts.coords.items() if "channel" not in c.dims}
    return xr.Dataset(variables, kept)
