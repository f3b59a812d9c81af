"""Measurements for tests of analyses and views: read as the core reads them, without a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput, ReferenceFile
from consilience.model.finding import Finding, FindingDraft, Source
from consilience.model.measurement import Measurement
from consilience.model.sample import Sample
from consilience.progress import Progress, no_progress
from consilience.testing import SampleFile, reading, target
from consilience.view import ViewContext
from consilience_apt.simulation import NeedleParams, simulate_needle


def measured(path: Path, reader: str, companions: Mapping[str, Path] | None = None) -> Measurement:
    """Return the one measurement of a file."""
    registry = target.load([target.find_target("apt")])
    sample = SampleFile(path, reader, companions=companions or {})
    (signal,) = reading.read_sample(registry, sample)
    return reading.measurement_of(registry, sample, signal)


def needle(folder: Path, params: NeedleParams, seed: int, *, ranges: bool = True) -> Measurement:
    """Simulate a needle (.epos first) and return it as a measurement."""
    folder.mkdir(exist_ok=True)
    paths = {path.suffix: path for path in simulate_needle(params, seed, folder)}
    with_ = {"ranges": paths[".rrng"]} if ranges and ".rrng" in paths else {}
    main = paths.get(".epos") or paths[".pos"]
    return measured(main, f"apt{main.suffix}", with_)


def context(
    folder: Path,
    elements: Sequence[str] = (),
    references: Sequence[ReferenceFile] = (),
    progress: Progress = no_progress,
) -> AnalysisContext:
    """Return what an analysis is given besides the measurement."""
    return AnalysisContext(
        Sample(id="needle", elements=list(elements)), folder, references, progress
    )


def of(
    output: AnalysisOutput, kind: str, element: str = "", region: str = ""
) -> list[FindingDraft]:
    """Return the findings of a kind, of an element, whose region's label begins so."""
    return [
        draft
        for draft in output.findings
        if draft.kind == kind
        and (not element or (draft.subject is not None and draft.subject.element == element))
        and (not region or (draft.region is not None and draft.region.label.startswith(region)))
    ]


def completed(
    measurement: Measurement, outputs: Mapping[str, AnalysisOutput]
) -> tuple[list[Finding], ViewContext]:
    """Return drafts as findings, and the context in which views open their arrays."""
    findings: list[Finding] = []
    arrays: dict[str, xr.Dataset] = {}
    for analysis, output in outputs.items():
        names = {name: f"{analysis}/{name}" for name in output.arrays}
        arrays |= {names[name]: data for name, data in output.arrays.items()}
        source = Source(plugin="apt", version="0", analysis=analysis)
        for draft in output.findings:
            body = draft.to_json() | {
                "sample": "needle",
                "state": {},
                "array": names.get(draft.array or ""),
                "origin": measurement.record.origin,
                "measurements": [measurement.id],
                "source": source.to_json(),
            }
            if draft.covariance is not None:
                body["covariance"] = {
                    "array": names[draft.covariance.array],
                    "index": draft.covariance.index,
                }
            findings.append(Finding.identified(body))
    return findings, ViewContext(arrays.__getitem__, {})
