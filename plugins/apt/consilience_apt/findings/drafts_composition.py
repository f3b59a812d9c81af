"""From the composition of a volume to findings, one joint covariance for each volume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import Covariance, FindingDraft, Interval, Region, Rival, Subject
from consilience_apt.amounts.ambiguity import Ambiguity
from consilience_apt.amounts.composing import Composed
from consilience_apt.findings.drafts_spectrum import ion_subject, number

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["composition_drafts", "covariance_array", "group_evidence"]

UNKNOWN_MEANS = (
    "the systematic error is not known, because these effects have no known size: {}; what is "
    "known of it stands in the evidence as a lower bound"
)
AMBIGUOUS_MEANS = (
    "overlapping ions that isotopes cannot tell apart; the interval goes over every reading, "
    "the value is that of the labels"
)
BACKGROUND_MEANS = "the background is taken to be spread over mass as it is between the peaks"


def covariance_array(composed: Composed) -> xr.Dataset:
    """Return the joint covariance of all fractions of one volume.

    Returns
    -------
    xarray.Dataset
        ``statistical`` and, where a part is known, ``systematic_known`` (a lower bound
        while terms are unknown), both over ``element`` and ``other``.
    """
    import xarray as xr

    atomic = composed.atomic
    size = len(atomic.names)
    data = xr.Dataset(
        {"statistical": (("element", "other"), atomic.stat, {"units": "1"})},
        coords={
            "element": ("element", np.arange(size), {"units": "1", "names": atomic.names}),
            "other": ("other", np.arange(size), {"units": "1"}),
        },
    )
    if atomic.sys is not None:
        data["systematic_known"] = (("element", "other"), atomic.sys, {"units": "1"})
    return data


def composition_drafts(
    composed: Composed,
    region: Region,
    array: str,
    *,
    method: str,
    assumptions: Sequence[str],
    rivals: dict[str, list[Rival]],
) -> list[FindingDraft]:
    """Return one finding for each element, and one for each species as labelled.

    Parameters
    ----------
    composed : Composed
    region : Region
        What volume it is: never left out, so that volumes cannot be mixed.
    array : str
        Name of `covariance_array`.
    method : str
    assumptions : sequence of str
    rivals : dict
        Further rivals by element, such as those of contradicted labels.
    """
    atomic = composed.atomic
    said = [*assumptions]
    if composed.labelled.corrected is not None:
        said.append(BACKGROUND_MEANS)
    if composed.labelled.unknown:
        said.append(UNKNOWN_MEANS.format(", ".join(composed.labelled.unknown)))
    raw = dict(zip(composed.raw.names, zip(composed.raw.values.tolist(),
               composed.raw.std_stat.tolist(), strict=True), strict=True))  # fmt: skip
    made = []
    for index, name in enumerate(atomic.names):
        least = None if atomic.std_sys is None else float(atomic.std_sys[index])
        moved = [group for group in composed.groups if _moves(group, name)]
        open_ = [group for group in moved if not group.solved]
        interval, trace = None, composed.traces.get(name)
        own = list(said)
        if name in composed.bounds:
            low, high = composed.bounds[name]
            interval = Interval(low=low, high=high, level=composed.level)
            own.append(AMBIGUOUS_MEANS)
        elif trace is not None and not open_:
            low, high = trace.fraction
            interval = Interval(low=low, high=high, level=trace.level)
            own.append(
                "the interval is that of Feldman and Cousins, for the ions that hold the element "
                "as labelled"
            )
        value = float(atomic.values[index])
        evidence: dict[str, Any] = {
            "counts": number(float(atomic.counts[index])),
            "atomic_percent": number(100 * value),
            "appm": number(1e6 * value),
            "raw": None
            if name not in raw
            else {"value": number(raw[name][0], 9), "std_stat": number(raw[name][1])},
            "std_sys_at_least": number(least),
            "terms": _terms(composed),
            "overlaps": [group_evidence(group) for group in moved],
            "background": composed.labelled.corrected,
        }
        if name in composed.readings:
            readings = composed.readings[name]
            evidence["readings"] = {key: number(v) for key, v in readings.items()}
        absent = trace is not None and trace.status == "absent_below_limit"
        made.append(
            FindingDraft(
                kind="composition",
                subject=Subject(element=name),
                region=region,
                value=value,
                unit="1",
                std_stat=float(atomic.std_stat[index]),
                std_sys=least if composed.complete else None,
                interval=interval,
                covariance=Covariance(array=array, index=index),
                status="absent_below_limit" if absent else None,
                limit=trace.detection if absent and trace is not None else None,
                rivals=_each_once([*rivals.get(name, []), *_rivals(open_, name)]),
                evidence=evidence,
                assumptions=own,
                method=f"{method}, at. fraction, molecular ions taken apart",
            )
        )
    made += _only_in_readings(composed, region, method, said, rivals)
    made += _ionic(composed, region, method, said)
    return made


def _moves(group: Ambiguity, element: str) -> bool:
    return any(element in dict(ion.elements) for ion in group.ions)


def _rivals(groups: Sequence[Ambiguity], element: str) -> list[Rival]:
    made = []
    for group in groups:
        for ion in group.ions:
            if element in dict(ion.elements):
                continue
            made.append(
                Rival(
                    subject=ion_subject(ion),
                    explains=[f"ions where {group.names} lie on each other"],
                    decided_by=["isotope ratios with more counts, or a better mass resolution"],
                    note=group.why,
                )
            )
    return made


def _each_once(rivals: Sequence[Rival]) -> list[Rival]:
    kept: dict[str, Rival] = {}
    for one in rivals:
        kept.setdefault(one.subject.label, one)
    return list(kept.values())


def group_evidence(group: Ambiguity) -> dict[str, Any]:
    """Return an overlap as plain values: rank, condition, shares, and what is left open."""
    overlap = group.overlap
    found: dict[str, Any] = {
        "ions": [ion.name for ion in group.ions],
        "solved": group.solved,
        "why": group.why,
    }
    if overlap is None:
        return found
    return found | {
        "rank": overlap.rank,
        "condition": number(overlap.condition, 4),
        "p_value": number(overlap.p_value, 3),
        "shares": [
            {
                "ion": one.ion.name,
                "counts": number(one.counts),
                "std_stat": number(one.std_stat, 3),
                "std_sys": number(one.std_sys, 3),
                "low": number(one.low),
                "high": number(one.high),
                "status": one.status,
            }
            for one in overlap.shares
        ],
    }


def _terms(composed: Composed) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "known": one.covariance is not None, "how": one.how}
        for one in composed.labelled.terms
    ]


def _only_in_readings(
    composed: Composed,
    region: Region,
    method: str,
    assumptions: Sequence[str],
    rivals: dict[str, list[Rival]],
) -> list[FindingDraft]:
    """Elements that no label names, and that a reading of an overlap has."""
    made = []
    for name in composed.elements:
        if name in composed.atomic.names or name not in composed.bounds:
            continue
        low, high = composed.bounds[name]
        groups = [group for group in composed.groups if _moves(group, name) and not group.solved]
        made.append(
            FindingDraft(
                kind="composition",
                subject=Subject(element=name),
                region=region,
                unit="1",
                interval=Interval(low=low, high=high, level=composed.level),
                reason=f"no range is labelled {name}; it is one reading of an overlap",
                rivals=_each_once([*rivals.get(name, []), *_rivals(groups, name)]),
                evidence={
                    "readings": {k: number(v) for k, v in composed.readings[name].items()},
                    "overlaps": [group_evidence(group) for group in groups],
                },
                assumptions=[*assumptions, AMBIGUOUS_MEANS],
                method=f"{method}, at. fraction under each reading of the overlaps",
            )
        )
    return made


def _ionic(
    composed: Composed, region: Region, method: str, assumptions: Sequence[str]
) -> list[FindingDraft]:
    ionic = composed.labelled.ionic
    made = []
    for index, name in enumerate(ionic.names):
        value = float(ionic.values[index])
        least = None if ionic.std_sys is None else float(ionic.std_sys[index])
        made.append(
            FindingDraft(
                kind="ionic_fraction",
                subject=Subject(formula=name),
                region=region,
                value=value,
                unit="1",
                std_stat=float(ionic.std_stat[index]),
                std_sys=least if composed.complete else None,
                evidence={
                    "counts": number(float(ionic.counts[index])),
                    "ionic_percent": number(100 * value),
                    "std_sys_at_least": number(least),
                },
                assumptions=[*assumptions, "labels as in the ranges, overlaps not shared out"],
                method=f"{method}, share of the ranged ions",
            )
        )
    return made
