"""Commands that hand a study on, and take one that was handed on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consilience.cli.output import Settings, fail_well, print_json, progress_events, say

__all__ = ["attach"]

DIFFERS = 10
"""Exit code of a rerun that does not come to the same; see docs/errors.md."""
DAMAGED = 6


def attach(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("export")(export)
    app.command("rerun")(rerun)


@fail_well
def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="New folder.")],
    tables_only: Annotated[
        bool,
        typer.Option("--tables-only", help="Leave out raw files, arrays, report and figures."),
    ] = False,
) -> None:
    """Write a bundle: the study to run again elsewhere, CSV, Excel, JSON, report, figures."""
    from consilience.study import Study

    settings: Settings = context.obj
    with Study.open(settings.study) as study, progress_events(settings) as progress:
        written = study.export(folder, progress, tables_only=tables_only)
        head = study.head
    say(f"{len(written)} files in {folder}")
    if not tables_only:
        say(f"and the study itself, in {folder / 'study'}")
        say(f"to run it again: consilience rerun {folder}")
    say(f"journal head: {head[1]} (record {head[0]})")


@fail_well
def rerun(
    context: typer.Context,
    bundle: Annotated[Path, typer.Argument(help="Folder that 'consilience export' wrote.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="New folder; else BUNDLE-rerun, here.")
    ] = None,
    head: Annotated[
        str | None, typer.Option("--head", help="Hash printed in the published report.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for scripts.")] = False,
) -> None:
    """Build a bundle's study anew, analyse it again, and say which finding differs and by how much.

    Exit code 0: the same, byte for byte or to 1e-9; 10: it differs; 6: files were altered.
    """
    from consilience.bundle import rerun as run_again
    from consilience.bundle import words_of

    settings: Settings = context.obj
    folder = out or Path(f"{bundle.resolve().name}-rerun")
    with progress_events(settings) as progress:
        result = run_again(bundle, folder, head, progress=progress)
    if as_json:
        print_json(result.to_json())
    else:
        for line in words_of(result):
            say(line)
        say(f"study: {folder}")
    if not result.same:
        raise typer.Exit(DIFFERS)
    if result.altered:
        raise typer.Exit(DAMAGED)
