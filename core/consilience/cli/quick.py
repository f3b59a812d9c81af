"""One command from files to a report, for a look at data before there is a study of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consilience.cli import words
from consilience.cli.output import (
    Settings,
    fail_well,
    notice_lines,
    progress_events,
    run_notice_lines,
    say,
)

__all__ = ["attach"]

Words = list[str]


def attach(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("quick")(quick)


@fail_well
def quick(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of one sample.")],
    sample: Annotated[
        str | None, typer.Option("--sample", help="ID of the sample; else the first file's name.")
    ] = None,
    analysis: Annotated[
        Words | None, typer.Option("--analysis", help="Key; repeatable. Else all default ones.")
    ] = None,
    param: Annotated[
        Words | None, typer.Option("--param", help="Parameter, name=value; repeatable.")
    ] = None,
    reader: Annotated[str | None, typer.Option(help="Key of the reader.")] = None,
    option: Annotated[
        Words | None, typer.Option("--option", help="Option of the reader, name=value; repeatable.")
    ] = None,
    companion: Annotated[
        Words | None, typer.Option("--with", help="Companion file, role=FILE; repeatable.")
    ] = None,
    elements: Annotated[
        str, typer.Option(help="Elements that can be in it, comma-separated: Li,F,C,O.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="HTML file; else in the study.")
    ] = None,
) -> None:
    """Register files, analyse them and write the report; run again to go on where it was stopped.

    Without --study the study is made beside the first file, as NAME-study.
    """
    from consilience.store.layout import MARKER
    from consilience.study import Study

    settings: Settings = context.obj
    folder = settings.study
    if folder == Path():
        folder = files[0].with_name(f"{files[0].stem}-study")
    name = sample or files[0].stem
    opened = Study.open(folder) if (folder / MARKER).is_file() else Study.create(folder)
    with opened as study, progress_events(settings) as progress:
        if name not in study.samples():
            study.add_sample(name, elements=words.listed(elements))
        added = []
        for file in files:
            added += study.add(
                file,
                name,
                reader=reader,
                options=words.options(option),
                companions=words.companions(companion),
                progress=progress,
            )
        for item in added:
            say(str(item))
            for line in notice_lines(item.notices):
                say(line)
        summary = study.analyse(
            analysis,
            params=words.params(param),
            measurements=[item.id for item in added if item.what == "measurement"],
            progress=progress,
        )
        for line in run_notice_lines(summary.noticed):
            say(line)
        for failure in summary.failures:
            say(f"not analysed: {failure.analysis} on {failure.on}: {failure.what}", err=True)
            say(f"  fix: {failure.fix}", err=True)
            if failure.place is not None:
                say(f"  at:  {failure.place}", err=True)
        page = study.report(out or study.path / "report.html", progress)
    say(f"{summary.runs} run(s), {len(summary.findings)} finding(s), {summary.skipped} done before")
    say(f"study:  {folder}")
    say(f"report: {page}")
    if summary.failures:
        raise typer.Exit(4)
