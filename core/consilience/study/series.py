"""Sensor series from CSV or HDF5 onto a step, with a column mapping that a person writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import NotFoundError
from consilience.model.canonical import content_id
from consilience.model.sample import SensorSeries, Step
from consilience.series.mapping import SeriesMapping
from consilience.study.added import Added
from consilience.study.entering import validated

if TYPE_CHECKING:
    from consilience.study.entry import Entry

__all__ = ["SeriesMapping", "register_series"]


def register_series(
    study: Entry, path: Path, step: Step, mapping: Mapping[str, Any], *, link: bool = False
) -> Added:
    """Import a log onto a step; see `consilience.study.Study.add_series`.

    Raises
    ------
    BadInputError
        The mapping is incomplete or names a column or unit that does not exist.
    BadFileError
        The file is empty, or its time does not increase.
    """
    from consilience.series.importing import import_log

    plan = validated(SeriesMapping, mapping, f"mapping for {path.name!r}")
    if not path.is_file():
        raise NotFoundError(f"there is no file {str(path)!r}", fix="check the path", path=path)
    stored = study.store.put_file(path, link=link)
    identity = {"sha256": stored.sha256, "step": step.id, "mapping": plan.to_json()}
    series_id = content_id("se", identity)
    if study.holds("series", series_id):
        return Added("series", series_id, False, path.name)
    with study.store.staging() as staging:
        found = import_log(study.store.open_path(stored), path, plan, staging / "series")
        array = study.store.adopt(staging / "series")
    record = SensorSeries(
        id=series_id,
        step=step.id,
        sample=step.sample,
        file=stored.name,
        sha256=stored.sha256,
        array=array,
        columns=found.units,
        rows=found.rows,
        start=found.start,
        time_zone=plan.time.time_zone,
        problems=found.problems,
        suspect=found.suspect,
        mapping=plan.to_json(),
    )
    appended = study.store.append_unless(
        lambda _: study.holds("series", series_id), [("series", record.to_json())]
    )
    return Added("series", series_id, bool(appended), path.name)
