"""``study.toml``: the tables of a study as one declarative file, and reading them.

See docs/study-toml.md for the format.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from consilience.errors import BadFileError, NotFoundError
from consilience.model.association import AssociationRequest
from consilience.model.base import FrozenModel, Json
from consilience.model.finding import Region
from consilience.model.measurement import Exposure
from consilience.model.stoichiometry import Homogeneity
from consilience.model.verdict import Margin
from consilience.study.entering import validated
from consilience.study.exposure_entry import exposure_from

__all__ = ["MeasurementTable", "StudyFile", "read_study_file", "read_toml"]


class _Table(FrozenModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class StudyTable(_Table):
    """``[study]``: name and description."""

    name: str
    description: str = ""


def _exposures(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [exposure_from(v) if isinstance(v, Mapping | Exposure) else v for v in value]


class MeasurementTable(_Table):
    """``[[measurement]]``: a file, or several read alike, of one sample in one state.

    `refused` says that the file is known to be unreadable, and why it is listed all
    the same; the build then expects the refusal.
    """

    file: str
    sample: str
    reader: str | None = None
    options: dict[str, Json] = {}
    companions: dict[str, str] = Field(default={}, alias="with")
    state: dict[str, Json] = {}
    region: Region | None = None
    start: datetime | str | None = None
    exposures: Annotated[list[Exposure], BeforeValidator(_exposures)] = []
    link: bool = False
    refused: str | None = None


class ReferenceTable(_Table):
    """``[[reference]]``: a file that analyses may use, for example a CIF."""

    file: str
    title: str = ""


class FindingTable(_Table):
    """``[[finding]]``: an entered finding, with its citation."""

    model_config = ConfigDict(frozen=True, extra="allow")

    sample: str
    citation: str
    modality: str | None = None


class PeakListTable(_Table):
    """``[[peak_list]]``: published peak positions, as an entered measurement."""

    sample: str
    modality: str
    axis: str
    unit: str
    peaks: list[dict[str, Json]]
    citation: str
    title: str = ""
    state: dict[str, Json] = {}
    metadata: dict[str, Json] = {}


class EnteredTable(_Table):
    """``[[table]]``: a published table of numbers, as an entered measurement."""

    sample: str
    modality: str
    columns: dict[str, dict[str, Json]]
    citation: str
    title: str = ""
    labels: list[str] = []
    state: dict[str, Json] = {}
    metadata: dict[str, Json] = {}


class SeriesTable(_Table):
    """``[[series]]``: sensor data onto the step with this `name`."""

    step: str
    file: str
    mapping: dict[str, Json]


class ClaimTable(_Table):
    """``[[claim]]``: a figure that a text states, and the formula that it must follow."""

    model_config = ConfigDict(frozen=True, extra="allow")

    sample: str
    citation: str


class AnalysisTable(_Table):
    """``[[analysis]]``: an analysis with parameters, on some samples or on all."""

    key: str
    params: dict[str, Json] = {}
    samples: list[str] | None = None


class StudyFile(_Table):
    """The whole file."""

    study: StudyTable
    margins: dict[str, Margin] = {}
    homogeneity: dict[str, Homogeneity] = {}
    association: list[AssociationRequest] = []
    sample: list[dict[str, Json]] = []
    step: list[dict[str, Json]] = []
    reference: list[ReferenceTable] = []
    measurement: list[MeasurementTable] = []
    series: list[SeriesTable] = []
    finding: list[FindingTable] = []
    peak_list: list[PeakListTable] = []
    table: list[EnteredTable] = []
    claim: list[ClaimTable] = []
    analysis: list[AnalysisTable] = []
    rule: list[dict[str, Json]] = []
    protocol: list[dict[str, Json]] = []


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    NotFoundError, BadFileError
        It is not there, not UTF-8 text, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(
            f"there is no file {str(path)!r}", fix="check the path", path=path
        ) from error
    except UnicodeDecodeError as error:
        raise BadFileError(
            f"{path.name!r} is not UTF-8 text",
            fix="save it as UTF-8",
            path=path,
            offset=error.start,
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise BadFileError(
            f"{path.name!r} is not TOML: {error}", fix="mend the line that is named", path=path
        ) from error


def read_study_file(path: Path) -> StudyFile:
    """Read and check a ``study.toml``.

    Raises
    ------
    NotFoundError, BadFileError, BadInputError
        All problems of the tables at once, with their places.
    """
    return validated(StudyFile, read_toml(path), path.name, path)
