"""What a map says, in words: phases and cells of its regions, and how spacings differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import FindingDraft, Region
from consilience_xrd.findings.drafts import drafts_of, lattice_parameter, subject_of
from consilience_xrd.findings.fit_record import misfit_notes
from consilience_xrd.findings.patterns import method_sentence
from consilience_xrd.findings.second_opinion import with_second_opinion

if TYPE_CHECKING:
    from consilience_xrd.findings.map_job import MapResult, RegionResult
    from consilience_xrd.maps.phases import PhaseMap

__all__ = ["cell_lengths", "phase_map_drafts", "region_drafts", "strain_drafts"]

RELATIVE = (
    "relative to the median over the map of each line: a common shift of the axis cancels, and so "
    "would a strain that the whole map shares"
)
HEIGHT = (
    "a sample that is not flat, or a beam that wanders, moves lines as strain does; in "
    "transmission over a small map that is small against a line's width"
)
PROFILE_SHARE = 0.02
"""Part of a line's width by which its place may differ between regions for a wrong profile."""
PROFILE_MEANS = (
    f"systematic error: a profile that is not quite right, {PROFILE_SHARE:g} of the line's width"
)


def region_drafts(
    found: MapResult, number: int, region: RegionResult, whole: bool
) -> list[FindingDraft]:
    """Findings of one region, or of the whole map where nothing else speaks of it.

    Of a region only phases present there are said, their cells, and that phases of other regions
    are absent there.  The mean of a scan of patterns is judged by xrd.phases.
    """
    if number == 0 and not whole:
        return []
    drafts = drafts_of(
        region.pairing,
        region.results,
        "maps",
        f"mean pattern of {region.points} points; {method_sentence(region.fit)}",
        misfit_notes(region.fit),
    )
    if region.whole is not None:
        drafts = with_second_opinion(drafts, region.whole, region.pairing, region.results)
    if number == 0:
        return [d.model_copy(update={"evidence": d.evidence | _map_of(found, d)}) for d in drafts]
    elsewhere = {
        result.phase
        for other in found.regions[1:]
        for result in other.results
        if result.status == "present"
    }
    labels = {r.phase.label for r in region.pairing.references if r.phase.key in elsewhere}
    place = _region(found, number, region)
    kept = []
    for draft in drafts:
        if draft.kind == "diffraction_line":
            continue
        name = "" if draft.subject is None else draft.subject.label
        absent = draft.kind == "phase" and draft.status != "present"
        if absent and (draft.status is None or name not in labels):
            continue
        evidence = {**draft.evidence, **_share(found, number, name), **_map_of(found, draft)}
        kept.append(draft.model_copy(update={"region": place, "evidence": evidence}))
    return kept


def _map_of(found: MapResult, draft: FindingDraft) -> dict[str, Any]:
    """Name the map that a lattice parameter was averaged over, where there is one."""
    if draft.kind != "lattice_parameter" or draft.subject is None:
        return {}
    places = [i for i, a in enumerate(cell_lengths(found)) if a is not None]
    labels = [_reference(found, found.phase_lines[i].phase).label for i in places]
    if draft.subject.label not in labels:
        return {}
    return {
        "variable": "phase_lattice_parameter",
        "variable_std": "phase_lattice_parameter_std",
        "variable_at": places[labels.index(draft.subject.label)],
    }


def cell_lengths(found: MapResult) -> list[float | None]:
    """Return for each phase of the map the cell length that its strains are relative to.

    That of the mean pattern, or of the first region that has one [angstrom]; None for phases that
    are not cubic, or have no lines of their own.
    """
    lengths: list[float | None] = []
    for lines in found.phase_lines:
        cell = None
        if lines.alone and _reference(found, lines.phase).cubic:
            fitted = (
                lattice_parameter(region.pairing, result)
                for region in found.regions
                for result in region.results
                if result.phase == lines.phase and result.status == "present"
            )
            cell = next((one for one in fitted if one is not None), None)
        lengths.append(None if cell is None else cell[0])
    return lengths


def _region(found: MapResult, number: int, region: RegionResult) -> Region:
    """The box that a region fills, or the one around it; the array says which points it has."""
    y, x = found.scan.y, found.scan.x
    rows, columns = np.nonzero(found.labels.reshape(found.scan.shape) == number)
    units = {y.unit, x.unit}
    positions = len(units) == 1 and units != {"1"}
    corners = [
        [float(x.values[columns.min()]), float(y.values[rows.min()])],
        [float(x.values[columns.max()]), float(y.values[rows.max()])],
    ]
    sides = np.ptp(rows) + 1, np.ptp(columns) + 1
    return Region(
        shape="box" if len(rows) == np.prod(sides) else "mask",
        coordinates=corners,
        unit=units.pop() if positions else "point",
        frame=f"scan ({x.name}, {y.name})",
        label=f"{region.name}: {region.points} points inside this box, those with {number} in the "
        "map 'region'",
    )


def _share(found: MapResult, number: int, label: str) -> dict[str, Any]:
    """At how many points of a region a phase is detected, and how many would be by chance."""
    chosen = found.labels == number
    for lines, phase in zip(found.phase_lines, found.phase_maps, strict=True):
        reference = _reference(found, lines.phase)
        if reference.label != label:
            continue
        return {
            "points": int(chosen.sum()),
            "points_detected": int(np.count_nonzero(phase.detected & chosen)),
            "points_by_chance": float(f"{chosen.sum() * _by_chance(found):.3g}"),
            "map_rests_on_own_lines": lines.alone,
        }
    return {}


def phase_map_drafts(found: MapResult) -> list[FindingDraft]:
    """Where each phase is: its map, which maps of other techniques can be held against."""
    y, x = found.scan.y, found.scan.x
    corners = [
        [float(x.values.min()), float(y.values.min())],
        [float(x.values.max()), float(y.values.max())],
    ]
    units = {y.unit, x.unit}
    area = Region(
        shape="box",
        coordinates=corners,
        unit=units.pop() if len(units) == 1 and units != {"1"} else "point",
        frame=f"scan ({x.name}, {y.name})",
    )
    return [
        FindingDraft(
            kind="phase_map",
            subject=subject_of(_reference(found, lines.phase)),
            region=area,
            array="maps",
            evidence={
                "sentence": f"seen at {int(np.count_nonzero(phase.detected))} of "
                f"{found.scan.points} points; chance alone gives "
                f"{found.scan.points * _by_chance(found):.2g}",
                "variable": "phase_intensity",
                "variable_std": "phase_intensity_std",
                "variable_at": place,
            },
            assumptions=["texture that changes from point to point changes the area of a line too"],
            method="summed area of the phase's own lines at each point",
        )
        for place, (lines, phase) in enumerate(
            zip(found.phase_lines, found.phase_maps, strict=True)
        )
        if lines.alone
    ]


def _by_chance(found: MapResult) -> float:
    from scipy.stats import norm

    return float(norm.sf(found.decision))


def _reference(found: MapResult, key: str) -> Any:
    return next(r.phase for r in found.regions[0].pairing.references if r.phase.key == key)


def strain_drafts(found: MapResult) -> list[FindingDraft]:
    """How the spacings of each phase differ from region to region."""
    out = []
    for place, (lines, phase) in enumerate(zip(found.phase_lines, found.phase_maps, strict=True)):
        if not lines.alone:
            continue
        for number, region in enumerate(found.regions):
            if number == 0:
                continue
            got = _mean_strain(phase, found.labels == number)
            if got is None:
                continue
            value, stat, spread, count = got
            width = float(np.mean([found.lines[i].fwhm / found.lines[i].center for i in lines.own]))
            out.append(
                FindingDraft(
                    kind="strain",
                    subject=subject_of(_reference(found, lines.phase)),
                    region=_region(found, number, region),
                    value=value,
                    unit="1",
                    std_stat=stat,
                    std_sys=PROFILE_SHARE * width,
                    array="maps",
                    evidence={
                        "variable": "phase_strain",
                        "variable_std": "phase_strain_std",
                        "variable_at": place,
                        "points": count,
                        "scatter_between_points": spread,
                        "lines": [
                            f"{lines.hkl[i]} at {found.lines[i].center:.4f}" for i in lines.own
                        ],
                    },
                    assumptions=[
                        RELATIVE,
                        HEIGHT,
                        PROFILE_MEANS,
                    ],
                    method="weighted mean over the region of q_0 / q - 1 of the phase's own lines, "
                    "its error from the scatter between points where that is larger",
                )
            )
    return out


def _mean_strain(phase: PhaseMap, chosen: Any) -> tuple[float, float, float, int] | None:
    """Weighted mean, its standard deviation, scatter between points, and how many."""
    good = chosen & np.isfinite(phase.strain) & phase.detected
    count = int(np.count_nonzero(good))
    if count < 5:
        return None
    values, weight = phase.strain[good], phase.strain_std[good] ** -2.0
    mean = float(np.average(values, weights=weight))
    chi2 = float(weight @ (values - mean) ** 2) / (count - 1)
    std = float(np.sqrt(max(chi2, 1.0) / weight.sum()))
    return mean, std, float(np.std(values, ddof=1)), count
