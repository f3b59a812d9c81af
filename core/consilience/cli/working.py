"""Commands that analyse, report and hand on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consilience.cli import quick, words
from consilience.cli.output import Settings, fail_well, progress_events, run_notice_lines, say

__all__ = ["attach"]


def attach(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("analyse")(analyse)
    app.command("report")(report)
    app.command("demo")(demo)
    quick.attach(app)


@fail_well
def analyse(
    context: typer.Context,
    analysis: Annotated[
        list[str] | None, typer.Option("--analysis", help="Key; repeatable. Else all default ones.")
    ] = None,
    sample: Annotated[
        list[str] | None, typer.Option("--sample", help="Only this sample; repeatable.")
    ] = None,
    measurement: Annotated[
        list[str] | None, typer.Option("--measurement", help="Only this one; repeatable.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="Parameter, name=value; repeatable.")
    ] = None,
) -> None:
    """Run analyses and keep their findings."""
    from consilience.study import Study

    settings: Settings = context.obj
    with Study.open(settings.study) as study, progress_events(settings) as progress:
        ids = [study.measurement(m).id for m in measurement] if measurement else None
        summary = study.analyse(
            analysis,
            params=words.params(param),
            samples=sample,
            measurements=ids,
            progress=progress,
        )
    say(
        f"{summary.runs} run(s), {len(summary.findings)} finding(s), {summary.skipped} already done"
    )
    # who names an analysis leaves the other techniques out on purpose
    if analysis is None or not summary.runs + summary.skipped + len(summary.failures):
        for line in summary.unused:
            say(f"  {line}")
    for line in run_notice_lines(summary.noticed):
        say(line)
    for failure in summary.failures:
        say(f"not analysed: {failure.analysis} on {failure.on}", err=True)
        say(f"  {failure.what}", err=True)
        say(f"  fix: {failure.fix}", err=True)
        if failure.place is not None:
            say(f"  at:  {failure.place}", err=True)
    if summary.failures:
        raise typer.Exit(4)


@fail_well
def report(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="HTML file.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
) -> None:
    """Write the report: one self-contained HTML file."""
    from consilience.study import Study

    settings: Settings = context.obj
    with Study.open(settings.study) as study, progress_events(settings) as progress:
        page = study.report(out or study.path / "report.html", progress)
    say(f"report: {page}")
    if show:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())


@fail_well
def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="New folder for the demonstration.")] = Path(
        "consilience-demo"
    ),
    small: Annotated[bool, typer.Option("--small", help="Fewer points, for a quick look.")] = False,
    files_only: Annotated[
        bool, typer.Option("--files-only", help="Only write the files, and build no study.")
    ] = False,
    show: Annotated[bool, typer.Option("--open", help="Open the reports in a browser.")] = False,
) -> None:
    """Build two simulated studies from nothing and write their reports; needs no network."""
    from consilience.demo import run_demo

    with progress_events(context.obj) as progress:
        pages = run_demo(out, small=small, files_only=files_only, progress=progress)
    say("what is simulated says so; what was planted stands in truth/, which no study reads")
    for page in pages:
        if files_only:
            say(f"study file: {page}")
            continue
        say(f"study:  {page.parent / 'study'}")
        say(f"report: {page}")
    if show and not files_only:
        import webbrowser

        for page in pages:
            webbrowser.open(page.resolve().as_uri())
