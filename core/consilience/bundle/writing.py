"""Writing a bundle: the study itself, what it says in open formats, and what it ran with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience._version import __version__
from consilience.bundle.copying import copy_study
from consilience.bundle.environment import environment, loaded_packages, pins, required_packages
from consilience.bundle.manifest import STUDY, seal
from consilience.errors import BadInputError
from consilience.model.canonical import canonical_json
from consilience.progress import Progress, no_progress
from consilience.store.durable import mapped_os_errors
from consilience.study.exporting import (
    LENIENT,
    sheets_of,
    table_text,
    write_data,
    write_json,
    write_sheets,
    write_statements,
)

if TYPE_CHECKING:
    from consilience.study.study import Study

__all__ = ["write_bundle"]


def write_bundle(
    study: Study, folder: Path, progress: Progress = no_progress, *, tables_only: bool = False
) -> list[Path]:
    """Write a bundle from which a study can be read, and run again elsewhere.

    Parameters
    ----------
    study : Study
    folder : Path
        New or empty.
    progress : callable, optional
    tables_only : bool
        Leave out the study itself (registered files and arrays), report and figures; such a
        bundle cannot be run again.

    Returns
    -------
    list of Path
        What was written beside the copy of the study; the manifest last.

    Raises
    ------
    BadInputError
        The folder exists and holds files.
    NotFoundError, VerifyError
        Something registered is lost or changed.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInputError(
            f"{str(folder)!r} exists and is not empty",
            fix="name a new folder; an export never overwrites",
            path=folder,
        )
    with mapped_os_errors("make the folder of the bundle", folder):
        folder.mkdir(parents=True, exist_ok=True)
    head = study.head
    if not tables_only:
        copy_study(study.store, folder / STUDY, progress)
    written = write_statements(study, folder)
    written += write_sheets(sheets_of(study), folder)
    for form, name in (("markdown", "table.md"), ("latex", "table.tex")):
        written.append(folder / name)
        written[-1].write_text(table_text(study, form), encoding="utf-8", errors=LENIENT)
    data, skipped = write_data(study, folder, progress)
    written += data
    written += _versions(study, folder)
    if not tables_only:
        more, failed = _pictures(study, folder, progress)
        written += more
        skipped += failed
    if skipped:
        written.append(write_json(folder / "not-exported.json", skipped))
    readme = folder / "README.txt"
    readme.write_text(_readme(study, head, tables_only), encoding="utf-8", errors=LENIENT)
    marker = None if tables_only else study.store.marker.to_dict()
    return [*written, readme, seal(folder, marker, head)]


def _versions(study: Study, folder: Path) -> list[Path]:
    """Write what the analyses ran with, as it was recorded, and what is installed now."""
    plugins = [
        {"name": p.info.name, "version": p.info.version, "distribution": p.distribution}
        for p in study.registry.plugins.values()
    ]
    packages = {**loaded_packages(), **required_packages([p["distribution"] for p in plugins])}
    recorded: dict[bytes, dict[str, Any]] = {}
    for run in study.current_runs().values():
        known = run.get("environment")
        said = None if known is None else study.store.get_json(known)
        entry = recorded.setdefault(canonical_json(said), {"environment": said, "runs": []})
        entry["runs"].append(run["id"])
    content = {
        **environment(packages),
        "plugins": sorted(plugins, key=lambda p: p["name"]),
        "analyses": [recorded[key] for key in sorted(recorded)],
    }
    lock = folder / "requirements.txt"
    ran_with = [e["environment"]["packages"] for e in recorded.values() if e["environment"]]
    lock.write_text(pins({k: v for p in (packages, *ran_with) for k, v in p.items()}), "utf-8")
    return [write_json(folder / "environment.json", content), lock]


def _pictures(
    study: Study, folder: Path, progress: Progress
) -> tuple[list[Path], list[dict[str, str]]]:
    """Write the report and its figures, each as SVG, or PNG where it is a picture of points."""
    from consilience.report import render
    from consilience.report.pictures import write_figures
    from consilience.study.reporting import report_content

    content = report_content(study, progress)
    page = folder / "report.html"
    page.write_text(render(content), encoding="utf-8")
    figures, failed = write_figures(content, folder / "figures", progress)
    return [page, *figures], [{"figure": name, "what": why} for name, why in failed]


def _readme(study: Study, head: tuple[int, str], tables_only: bool) -> str:
    lines = [
        f"{study.name}",
        "",
        f"Written by Consilience {__version__} (https://pypi.org/project/consilience/).",
        f"Journal head: {head[1]} (record {head[0]}).",
        "",
        "To read it, no program of ours is needed:",
        "  tables.xlsx          verdicts, findings, measurements, analyses, samples, files",
        "  *.csv                the same tables as plain text",
        "  table.md, table.tex  what was compared, as a table for a paper",
        "  *.json               the same in full: evidence, rivals, regions, parameters",
        "  analyses.json        every analysis with its parameters and the versions it ran with",
        "  environment.json     interpreter, platform, packages and plugins",
        "  measurements/        data in formats of the field, as far as an exporter knows them",
        "  results/             maps and tables of analyses",
        "  manifest.json        size and SHA-256 of every file",
    ]
    if tables_only:
        return "\n".join([*lines, "", "The study itself is not in it.", ""])
    return "\n".join(
        [
            *lines,
            "  report.html          the report: opens in any browser, needs no network",
            "  figures/             its figures",
            "  study/               the study: every registered file under its SHA-256",
            "                       (raw-files.csv has the names), arrays, and the journal of all",
            "                       that was registered, entered and taken back",
            "",
            "To run it again:",
            "  python -m venv env",
            "  env/bin/pip install -r requirements.txt",
            "  env/bin/consilience rerun THIS-FOLDER --out NEW-FOLDER",
            "It reads every file again, repeats every analysis, and says which finding differs",
            "and by how much. With the versions of requirements.txt findings are the same byte",
            "for byte; with others they are held to 1e-9, and the versions are named.",
            "",
        ]
    )
