"""Which finding of a bundle is which of the rerun, and whether it says the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from consilience.bundle.differing import Difference, array_differences, differences
from consilience.errors import ConsilienceError
from consilience.model.canonical import canonical_json

if TYPE_CHECKING:
    from consilience.study.study import Study

__all__ = ["Matched", "Pair", "match_findings", "match_records", "match_verdicts"]

Json = dict[str, Any]
_MOST = 3
"""So many places of one finding are printed; the file has all."""


@dataclass(frozen=True)
class Pair:
    """Something that says another thing than in the bundle."""

    id: str
    title: str
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        shown = "; ".join(str(d) for d in self.differences[:_MOST])
        more = len(self.differences) - _MOST
        return f"{self.id} ({self.title}): {shown}" + (f"; {more} more places" if more > 0 else "")

    def to_json(self) -> Json:
        """Return the JSON form."""
        return {
            "id": self.id,
            "title": self.title,
            "differences": [d.to_json() for d in self.differences],
        }


@dataclass
class Matched:
    """How many are the same, and which are not.  `missing` and `new` are ID and title."""

    what: str
    identical: int = 0
    equal: int = 0
    differing: list[Pair] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    new: list[tuple[str, str]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    """ID in the bundle to ID now, where they differ."""

    @property
    def same(self) -> bool:
        """True if nothing differs, is missing or is new."""
        return not (self.differing or self.missing or self.new)

    def counted(self) -> str:
        """Return the counts in words."""
        parts = [
            (self.identical, "identical byte for byte"),
            (self.equal, "equal to 1e-9"),
            (len(self.differing), "differ"),
            (len(self.missing), "missing now"),
            (len(self.new), "not in the bundle"),
        ]
        return ", ".join(f"{n} {word}" for n, word in parts if n) or "none"

    def lines(self) -> list[str]:
        """Return a line for each that is not the same."""
        return [
            *(f"{self.what} differs: {pair}" for pair in self.differing),
            *(f"{self.what} missing now: {i} ({title})" for i, title in self.missing),
            *(f"{self.what} not in the bundle: {i} ({title})" for i, title in self.new),
        ]

    def to_json(self) -> Json:
        """Return the JSON form."""
        return {
            "identical": self.identical,
            "equal": self.equal,
            "differing": [p.to_json() for p in self.differing],
            "missing": [list(m) for m in self.missing],
            "new": [list(n) for n in self.new],
        }


def match_findings(there: Study, here: Study, said: Sequence[Json]) -> Matched:
    """Compare the findings that a bundle states with those of the rerun.

    Findings of one analysis on one sample that name the same thing are matched in their order.
    Versions and hashes of arrays are left out of the comparison, the content of arrays is not.
    """
    compare = _Arrays(there, here)

    def differ(one: Json, other: Json) -> Iterator[Difference]:
        yield from differences(_bare_finding(one), _bare_finding(other))
        yield from compare(one["array"], other["array"], "array")
        shared = [(f["covariance"] or {}).get("array") for f in (one, other)]
        yield from compare(shared[0], shared[1], "covariance")

    now = [f.to_json() for f in here.findings()]
    return _match("finding", said, now, _finding_key, differ, _finding_title)


def match_verdicts(here: Study, said: Sequence[Json], findings: Matched) -> Matched:
    """Compare the verdicts that a bundle states with those of the rerun."""
    translated = [_renamed(v, findings.ids) for v in said]

    def differ(one: Json, other: Json) -> Iterator[Difference]:
        if one["findings"] != other["findings"]:  # IDs are new, and with them which one is first
            one, other = _either_way(one), _either_way(other)
        yield from differences({**one, "id": ""}, {**other, "id": ""})

    def key(v: Json) -> Any:
        return v["comparison"], v["kind"], v["subject"], v["samples"], sorted(v["findings"])

    def title(v: Json) -> str:
        label = f"{v['subject']['label']}: " if v["subject"] else ""
        return f"{label}{v['kind']} of {', '.join(v['samples'])}, {v['verdict']}"

    now = [v.to_json() for v in here.compare()]
    return _match("verdict", translated, now, key, differ, title)


def match_records(there: Study, here: Study, kind: str) -> Matched:
    """Compare measurements or sensor series: what readers make of the same files."""
    compare = _Arrays(there, here)
    left_out = {"version", "stored", "array", "raw_metadata"}

    def differ(one: Json, other: Json) -> Iterator[Difference]:
        bare = [{k: v for k, v in r.items() if k not in left_out} for r in (one, other)]
        yield from differences(bare[0], bare[1])
        yield from compare(one["array"], other["array"], "data")
        if one.get("raw_metadata") != other.get("raw_metadata"):
            raw = [s.store.get_json(r["raw_metadata"]) if r["raw_metadata"] else None
                   for s, r in ((there, one), (here, other))]  # fmt: skip
            yield from differences(raw[0], raw[1], "raw metadata")

    def plain(study: Study) -> list[Json]:
        bodies = [dict(e.body) for e in study.holding(kind)]
        for body in bodies:
            for file in body.get("stored", {}).values():
                file["linked_path"] = None
        return bodies

    def title(r: Json) -> str:
        name = r.get("file") or r["stored"].get("data", {"name": r["name"]})["name"]
        return f"{name} of {r['sample']}"

    return _match(kind, plain(there), plain(here), lambda r: r["id"], differ, title)


def _match(
    what: str,
    there: Iterable[Json],
    here: Iterable[Json],
    key: Callable[[Json], Any],
    differ: Callable[[Json, Json], Iterator[Difference]],
    title: Callable[[Json], str],
) -> Matched:
    result = Matched(what)
    left: dict[str, Json] = {}
    now = {item["id"]: item for item in here}
    for item in there:
        same = now.get(item["id"])
        if same is None:
            left[item["id"]] = item
            continue
        del now[item["id"]]
        _judge(result, item, same, differ, title)
    waiting: dict[bytes, list[Json]] = {}
    for item in now.values():
        waiting.setdefault(canonical_json([key(item)]), []).append(item)
    for ident, item in left.items():
        queue = waiting.get(canonical_json([key(item)]))
        if not queue:
            result.missing.append((ident, title(item)))
            continue
        other = queue.pop(0)
        result.ids[ident] = other["id"]
        _judge(result, item, other, differ, title)
    result.new = [(item["id"], title(item)) for queue in waiting.values() for item in queue]
    return result


def _judge(
    result: Matched,
    one: Json,
    other: Json,
    differ: Callable[[Json, Json], Iterator[Difference]],
    title: Callable[[Json], str],
) -> None:
    if canonical_json(one) == canonical_json(other):
        result.identical += 1
        return
    found = tuple(differ(one, other))
    if found:
        result.differing.append(Pair(one["id"], title(one), found))
    else:
        result.equal += 1


class _Arrays:
    """Compares arrays by content where their hashes differ, each pair once."""

    def __init__(self, there: Study, here: Study) -> None:
        self._there, self._here = there, here
        self._known: dict[tuple[str, str], list[Difference]] = {}

    def __call__(self, there: str | None, here: str | None, name: str) -> Iterator[Difference]:
        if there == here:
            return
        if there is None or here is None:
            yield Difference(name, "none" if there is None else "there", "none or other")
            return
        if (there, here) not in self._known:
            self._known[there, here] = self._opened(there, here, name)
        yield from self._known[there, here]

    def _opened(self, there: str, here: str, name: str) -> list[Difference]:
        try:
            one = self._there.store.open_dataset(there)
            other = self._here.store.open_dataset(here)
            return list(array_differences(one, other, name))
        except ConsilienceError as error:
            return [Difference(name, "an array", f"it cannot be compared: {error.what}")]


def _finding_key(finding: Json) -> Any:
    subject = finding["subject"]
    return (
        finding["source"]["analysis"],
        finding["kind"],
        subject and {**subject, "label": ""} if not _only_label(subject) else subject,
        finding["sample"],
        sorted(finding["measurements"]),
        finding["state"],
        finding["region"] and finding["region"].get("label"),
    )


def _only_label(subject: Json | None) -> bool:
    return subject is not None and subject["element"] is None and subject["formula"] is None


def _bare_finding(finding: Json) -> Json:
    source = {k: v for k, v in finding["source"].items() if k != "version"}
    covariance = finding["covariance"]
    if covariance is not None:
        covariance = {**covariance, "array": ""}
    return {**finding, "id": "", "array": "", "covariance": covariance, "source": source}


def _finding_title(finding: Json) -> str:
    label = f" of {finding['subject']['label']}" if finding["subject"] else ""
    return f"{finding['kind']}{label} in {finding['sample']}"


def _either_way(verdict: Json) -> Json:
    """Return what a verdict says whichever of its findings is named first."""
    told = ("kind", "subject", "samples", "verdict", "std", "unit", "test", "p_value", "margin",
            "smallest_detectable", "comparison")  # fmt: skip
    signed = ("difference", "statistic")
    return {
        **{name: verdict[name] for name in told},
        **{name: None if verdict[name] is None else abs(verdict[name]) for name in signed},
        "findings": sorted(verdict["findings"]),
    }


def _renamed(value: Any, ids: Mapping[str, str]) -> Any:
    """Return a JSON value with the IDs of findings as they are now."""
    if not ids:
        return value
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, dict):
        return {ids.get(k, k): _renamed(v, ids) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(item, ids) for item in value]
    return value
