"""Findings that say one thing together: the elements of one composition, the phases of one run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from consilience.declarations import Kind
from consilience.model.canonical import canonical_json
from consilience.model.finding import Finding, Region

__all__ = ["Place", "gathered", "groups_of", "place_of", "region_key"]

Place = Literal["same", "part", "larger", "other"]


def groups_of(findings: Sequence[Finding]) -> dict[str, tuple[Finding, ...]]:
    """Return for each finding ID all findings of its group, itself included, sorted by ID.

    A group has one kind, sample, region, state, origin, list of measurements, and
    one run: plugin, version, analysis, parameters and citation.  Where such findings name
    several covariance arrays, each array makes a group of its own; those without one belong
    to the only array there is, or else are a group by themselves.
    """
    alike: dict[bytes, list[Finding]] = defaultdict(list)
    for finding in findings:
        alike[_run(finding)].append(finding)
    found: dict[str, tuple[Finding, ...]] = {}
    for items in alike.values():
        arrays = {f.covariance.array for f in items if f.covariance is not None}
        split: dict[str, list[Finding]] = defaultdict(list)
        for finding in items:
            name = finding.covariance.array if finding.covariance is not None else ""
            split[name if len(arrays) > 1 else ""].append(finding)
        for group in split.values():
            whole = tuple(sorted(group, key=lambda f: f.id))
            found.update({f.id: whole for f in whole})
    return found


def _run(finding: Finding) -> bytes:
    said = finding.to_json()
    source = {k: v for k, v in said["source"].items() if k != "files"}
    fields = ("kind", "sample", "region", "state", "origin")
    return canonical_json([*(said[k] for k in fields), sorted(finding.measurements), source])


def gathered(
    finding: Finding, groups: Mapping[str, tuple[Finding, ...]], kinds: Mapping[str, Kind]
) -> tuple[Finding, ...]:
    """Return what is compared at once: the whole group of a composition, else the one finding."""
    if kinds[finding.kind].about != "composition":
        return (finding,)
    return groups.get(finding.id, (finding,))


def place_of(first: Region | None, second: Region | None) -> Place:
    """Return what the second region is to the first one, on one sample.

    ``"part"``: the second is a region of the whole that the first speaks of; ``"larger"``:
    the other way round; ``"other"``: two regions that need not be the same.
    """
    one, other = region_key(first), region_key(second)
    if one == other:
        return "same"
    if one is None:
        return "part"
    return "larger" if other is None else "other"


def region_key(region: Region | None) -> dict[str, object] | None:
    """Return what makes two regions the same, None for the whole."""
    if region is None or region.shape == "whole":
        return None
    said = region.to_json()
    if region.shape == "mask" and region.array is None:
        return said  # only its label tells one mask from another
    return {k: v for k, v in said.items() if k != "label"}
