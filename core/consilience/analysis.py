"""What an analysis is given and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from consilience.model.finding import FindingDraft
from consilience.model.measurement import Notice
from consilience.model.sample import Sample
from consilience.progress import Progress, no_progress

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["AnalysisContext", "AnalysisOutput", "ReferenceFile"]


@dataclass(frozen=True)
class ReferenceFile:
    """A registered reference (for example a CIF): name, path in the store, hash, title."""

    name: str
    path: Path
    sha256: str
    title: str = ""


@dataclass(frozen=True)
class AnalysisContext:
    """What an analysis may use beside its measurements and parameters.

    `sample` is the sample measured, `references` the study's registered reference files,
    `cache` a folder for what can be computed again (keyed by content); deleting it changes
    no result.
    """

    sample: Sample
    cache: Path
    references: Sequence[ReferenceFile] = ()
    progress: Progress = no_progress


@dataclass(frozen=True)
class AnalysisOutput:
    """Findings, the arrays they name, and what was noticed on the way.

    ``arrays[name]`` is an xarray.Dataset whose variables have units; a draft refers to it
    by ``array="name"``.
    """

    findings: Sequence[FindingDraft]
    arrays: Mapping[str, xr.Dataset] = field(default_factory=dict)
    notices: Sequence[Notice] = ()
