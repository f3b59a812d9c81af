"""Which phases are there, by the bands that they must show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.finding import FindingDraft, Rival
from consilience.model.measurement import Measurement
from consilience_raman_bands.fitting import BandFit, fit_band
from consilience_raman_bands.library import Band, Phase, phases

__all__ = ["PhaseParams", "find_phases"]


class PhaseParams(BaseModel):
    """Parameters of `find_phases`; lengths in 1/cm.

    Parameters
    ----------
    width : float
        Full width at half maximum of the bands.
    k : float
        A band is looked for within k standard deviations of its place.
    axis_std : float
        Standard deviation of the shifts where the file does not state it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: Annotated[float, Field(gt=0.0, le=100.0)] = 8.0
    k: Annotated[float, Field(gt=0.0, le=5.0)] = 2.0
    axis_std: Annotated[float, Field(ge=0.0, le=20.0)] = 2.0


Seen = dict[str, list[tuple[Band, BandFit | None]]]
"""The bands of each phase, by its label, as they were looked for."""


def find_phases(
    measurements: Sequence[Measurement], params: PhaseParams, context: AnalysisContext
) -> AnalysisOutput:
    """Say of each phase of the library whether it is present, absent below a limit, or unseen.

    *Present*: all its bands that must stand out do.  *Absent below a limit*: its strongest band
    does not; the limit is the height that would be missed in 5 % of spectra.  *Not observable*: it
    has no band, or its strongest one lies outside the spectrum.  Else the status stays open.
    """
    findings: list[FindingDraft] = []
    for done, measurement in enumerate(measurements):
        context.progress(done, len(measurements), measurement.id)
        stated = measurement.metadata.get("shift_std_sys")
        axis = params.axis_std if stated is None else float(stated["value"])
        shift = np.asarray(measurement.data["shift"].values, dtype=np.float64)
        counts = np.asarray(measurement.data["counts"].values, dtype=np.float64)
        seen: Seen = {
            phase.subject.label: [
                (b, fit_band(shift, counts, b.shift, _reach(b, axis, params), params.width))
                for b in phase.bands
            ]
            for phase in phases()
        }
        for phase in phases():
            findings.append(_phase(phase, seen, axis, params, measurement.id))
            findings += _bands(phase, seen, axis, stated is not None, params, measurement.id)
    return AnalysisOutput(findings, {})


def _reach(band: Band, axis: float, params: PhaseParams) -> float:
    return params.k * float(np.hypot(band.std, axis))


def _phase(
    phase: Phase, seen: Seen, axis: float, params: PhaseParams, measurement: str
) -> FindingDraft:
    looked = seen[phase.subject.label]
    strongest = looked[0][1] if looked else None
    evidence: dict[str, object] = {
        "bands": [
            {
                "at": band.shift,
                "mode": band.mode,
                "found": None if fit is None else fit.found,
                "height": None if fit is None else fit.height,
                "limit": None if fit is None else fit.limit,
            }
            for band, fit in looked
        ]
    }
    said: dict[str, object] = {"unit": "count"}
    if phase.inactive or strongest is None:
        where = f"its strongest band, {looked[0][0].shift:g} 1/cm, lies outside" if looked else ""
        said = {"status": "not_observable", "reason": phase.inactive or f"{where} the spectrum"}
    elif strongest.wing:
        said |= {"reason": f"at {looked[0][0].shift:g} 1/cm lies the wing of a band further off"}
    elif not strongest.found:
        said |= {
            "status": "absent_below_limit",
            "limit": strongest.limit,
            "reason": f"no band stands out at {looked[0][0].shift:g} 1/cm",
        }
    else:
        lacking = _lacking(looked, strongest)
        evidence["height"] = strongest.height
        if lacking:
            said |= {"reason": f"it should also show {', '.join(lacking)}, which is not there"}
        else:
            said |= {"status": "present"}
    return FindingDraft.model_validate(
        {
            "kind": "phase",
            "subject": phase.subject,
            **said,
            "rivals": _rivals(phase, seen, axis, params),
            "evidence": evidence,
            "assumptions": [
                f"bands {params.width:g} 1/cm wide",
                *([f"positions from {phase.citation}"] if phase.citation else []),
                *([phase.note] if phase.note else []),
            ],
            "method": f"bands within {params.k:g} standard deviations of their published places",
            "measurements": [measurement],
        }
    )


def _lacking(looked: Sequence[tuple[Band, BandFit | None]], strongest: BandFit) -> list[str]:
    """Return the bands that should stand out, even at half their usual height, and do not."""
    return [
        f"{band.shift:g} 1/cm ({band.mode})"
        for band, fit in looked[1:]
        if fit is not None and not fit.found and 0.5 * band.relative * strongest.height > fit.limit
    ]


def _rivals(phase: Phase, seen: Seen, axis: float, params: PhaseParams) -> list[Rival]:
    """Return other phases whose strongest band is the one that was found for this phase."""
    looked = seen[phase.subject.label]
    mine = looked[0][1] if looked else None
    if mine is None or not mine.found:
        return []
    rivals = []
    for other in phases():
        bands = seen[other.subject.label]
        if other.subject == phase.subject or not bands:
            continue
        band, fit = bands[0]
        if abs(band.shift - mine.position) > _reach(band, axis, params):
            continue
        lacking = _lacking(bands, mine) if fit is not None else []
        own = [f"{b.shift:g} 1/cm of {other.subject.label}" for b, _ in bands[1:]]
        mine_too = [f"{b.shift:g} 1/cm of {phase.subject.label}" for b, _ in looked[1:]]
        rivals.append(
            Rival(
                subject=other.subject,
                live=not lacking,
                explains=[f"band at {mine.position:.1f} 1/cm"],
                missing=lacking,
                decided_by=[*own, *mine_too, "diffraction"],
                note=f"{band.mode} at {band.shift:g} 1/cm, {other.citation}",
            )
        )
    return rivals


def _bands(
    phase: Phase, seen: Seen, axis: float, stated: bool, params: PhaseParams, measurement: str
) -> list[FindingDraft]:
    """Return the strongest band of a phase that is there."""
    looked = seen[phase.subject.label]
    if not looked:
        return []
    band, fit = looked[0]
    if fit is None or not fit.found or _lacking(looked, fit):
        return []
    return [
        FindingDraft(
            kind="raman_band",
            subject=phase.subject,
            value=fit.position,
            unit="1/cm",
            std_stat=fit.position_std,
            std_sys=axis if stated else None,
            rivals=_rivals(phase, seen, axis, params),
            evidence={"height": fit.height, "published": band.shift, "mode": band.mode},
            assumptions=[f"published at {band.shift:g} ± {band.std:g} 1/cm: {phase.citation}"],
            method=f"highest likelihood of a line {params.width:g} 1/cm wide",
            measurements=[measurement],
        )
    ]
