"""Running a bundle again, and saying what comes out the same and what does not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from consilience.bundle.environment import differing_versions, environment, required_packages
from consilience.bundle.manifest import STUDY, Altered, BundleLayout, Manifest, altered_files
from consilience.bundle.matching import Matched, match_findings, match_records, match_verdicts
from consilience.bundle.replaying import Failure, replay
from consilience.errors import BadFileError, BadInputError, NotFoundError, VerifyError
from consilience.model.canonical import canonical_json
from consilience.progress import Progress, no_progress
from consilience.registry import Registry
from consilience.store.layout import read_marker
from consilience.store.store import Store
from consilience.study.study import Study

__all__ = ["Rerun", "rerun", "words_of"]


@dataclass
class Rerun:
    """What running a bundle again came to.

    `findings`, `verdicts`, `measurements` and `series` hold how many are the same byte for byte,
    how many to the tolerance, and which differ; `versions` what differs between the two
    environments; `altered` files that are not what the manifest lists.
    """

    study: Path
    findings: Matched
    verdicts: Matched
    measurements: Matched
    series: Matched
    versions: list[dict[str, Any]] = field(default_factory=list)
    plugins: list[dict[str, Any]] = field(default_factory=list)
    altered: list[Altered] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    runs: int = 0

    @property
    def same_environment(self) -> bool:
        """True if nothing that was recorded of the environment differs."""
        return not self.versions and not self.plugins

    @property
    def same(self) -> bool:
        """True if every finding and verdict came out again, to the tolerance, and nothing else."""
        return self.findings.same and self.verdicts.same and not self.failures

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "same": self.same,
            "same_environment": self.same_environment,
            "study": str(self.study),
            **{
                name: getattr(self, name).to_json()
                for name in ("findings", "verdicts", "measurements", "series")
            },
            "versions": self.versions,
            "plugins": self.plugins,
            "altered": [asdict(a) for a in self.altered],
            "failures": [asdict(f) for f in self.failures],
            "runs": self.runs,
        }


def rerun(
    bundle: Path,
    out: Path,
    head: str | None = None,
    registry: Registry | None = None,
    progress: Progress = no_progress,
) -> Rerun:
    """Build a bundle's study anew in a fresh folder, and compare what comes out.

    Parameters
    ----------
    bundle : Path
        Folder that ``consilience export`` wrote; nothing is written into it.
    out : Path
        New folder for the study.
    head : str, optional
        Journal head as printed in the report: with it a journal that was rewritten as a whole is
        found out as well.
    registry : Registry, optional
        Plugins; the installed ones otherwise.

    Raises
    ------
    NotFoundError
        It is no bundle, or it holds no study.
    VerifyError
        Journal, registered file or array are not what they were: there is nothing to run again.
    BadInputError
        `out` is not empty.
    """
    manifest = Manifest.read(bundle)
    if manifest.study is None:
        raise NotFoundError(
            "the bundle holds tables and figures only, not the study itself",
            fix="export it again without --tables-only",
            path=bundle,
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInputError(
            f"{str(out)!r} exists and is not empty", fix="name a new folder with --out", path=out
        )
    altered = altered_files(bundle, manifest, progress)
    with TemporaryDirectory(prefix="consilience-rerun-") as scratch:
        (Path(scratch) / "tmp").mkdir()
        layout = BundleLayout((bundle / STUDY).absolute(), Path(scratch))
        there = Study(Store(layout, read_marker(layout)), registry)
        with closing(there):
            _refuse_altered(there, manifest, altered, head)
            said = {name: _statement(bundle, name) for name in ("findings", "verdicts")}
            with Study.create(out, there.name, there.registry) as here:
                done = replay(there, here, progress)
                progress(0, 1, "comparing what came out")
                findings = match_findings(there, here, said["findings"])
                result = Rerun(
                    study=out,
                    findings=findings,
                    verdicts=match_verdicts(here, said["verdicts"], findings),
                    measurements=match_records(there, here, "measurement"),
                    series=match_records(there, here, "series"),
                    altered=altered,
                    failures=done.failures,
                    runs=done.runs,
                )
                recorded = _statement(bundle, "environment")
                result.versions = _versions(recorded)
                result.plugins = _plugins(recorded["plugins"], there.registry)
                (out / "rerun.json").write_bytes(canonical_json(result.to_json()) + b"\n")
    return result


def _refuse_altered(
    there: Study, manifest: Manifest, altered: Sequence[Altered], head: str | None
) -> None:
    """Refuse to run again what is not what was registered.

    Raises
    ------
    VerifyError
    """
    bad = [a for a in altered if a.of_study and a.how != "extra"]
    if bad:
        first = bad[0]
        name = _names_of(there).get(Path(first.path).name) if _readable(there) else None
        what = f"the registered file {name}" if name else f"{first.path!r}"
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise VerifyError(
            f"{what} is {first.how} in the bundle{more}: its content is not what was registered",
            fix="get the bundle again from where it was published; the hash it must have is in "
            "manifest.json and raw-files.csv",
            path=there.path / Path(first.path).relative_to(STUDY),
        )
    there.store.journal_intact()
    heads = {manifest.head.get("hash")} | ({head.lower()} if head else set())
    found = there.head[1]
    wrong = [h for h in heads if not isinstance(h, str) or len(h) < 8 or not found.startswith(h)]
    if wrong:
        raise VerifyError(
            f"the journal ends with {found}, not with {wrong[0]}: it was cut off or rewritten",
            fix="compare with the journal head that the published report prints",
            path=there.store.layout.journal,
        )


def _readable(there: Study) -> bool:
    try:
        there.store.journal_intact()
    except VerifyError:
        return False
    return True


def _names_of(there: Study) -> dict[str, str]:
    """Return hash to what a reader calls a registered file."""
    names: dict[str, str] = {}
    for record in there.measurement_records():
        for file in record.stored.values():
            names.setdefault(file.sha256, f"{file.name!r} of sample {record.sample!r}")
    for series in there.series():
        names.setdefault(series.sha256, f"{series.file!r} of sample {series.sample!r}")
    for entry in there.holding("reference"):
        names.setdefault(entry.body["file"]["sha256"], f"{entry.body['name']!r}, a reference")
    return names


def _statement(bundle: Path, name: str) -> Any:
    path = bundle / f"{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadFileError(
            f"the bundle's {path.name} cannot be read: {error}",
            fix="get the bundle again from where it was published",
            path=path,
        ) from error


def _versions(recorded: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the versions that differ from those of the export, or of an analysis before it."""
    required = required_packages([p["distribution"] for p in recorded["plugins"]])
    here = environment(required)
    found: list[dict[str, Any]] = []
    for there in (recorded, *(a["environment"] for a in recorded["analyses"])):
        for item in [] if there is None else differing_versions(there, here):
            if item not in found:
                found.append(item)
    return found


def _plugins(there: Sequence[Mapping[str, Any]], registry: Registry) -> list[dict[str, Any]]:
    here = {p.info.name: p.info.version for p in registry.plugins.values()}
    return [
        {"name": p["name"], "there": p["version"], "here": here.get(p["name"])}
        for p in there
        if here.get(p["name"]) != p["version"]
    ]


def words_of(result: Rerun) -> list[str]:
    """Return what a rerun came to as lines, the answer first."""
    lines = [_answer(result)]
    kinds = ("findings", "verdicts", "measurements", "series")
    lines += [f"{name}: {getattr(result, name).counted()}" for name in kinds]
    for item in (*result.plugins, *result.versions):
        now = "not installed here" if item["here"] is None else f"{item['here']} here"
        lines.append(f"version differs: {item['name']} {item['there']} in the bundle, {now}")
    if result.same_environment:
        lines.append("environment: the versions of the bundle")
    for name in kinds:
        lines += getattr(result, name).lines()
    for failure in result.failures:
        lines.append(f"could not be made again: {failure.what}: {failure.why}")
        if failure.fix:
            lines.append(f"  fix: {failure.fix}")
    lines += [f"{a.how} since the export: {a.path}" for a in result.altered]
    return lines


def _answer(result: Rerun) -> str:
    if not result.same:
        return "NOT the same: see which finding or verdict differs below"
    if result.findings.equal or result.verdicts.equal:
        return "the same to 1e-9, not byte for byte"
    return "the same, byte for byte"
