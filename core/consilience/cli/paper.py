"""A table for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consilience.cli.output import Settings, fail_well, say
from consilience.errors import BadInputError

__all__ = ["attach"]


def attach(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("table")(table)


@fail_well
def table(
    context: typer.Context,
    form: Annotated[str, typer.Option("--format", help="markdown or latex.")] = "markdown",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="File; else the terminal.")
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind of finding.")] = None,
    sample: Annotated[str | None, typer.Option("--sample", help="Only of this sample.")] = None,
) -> None:
    """Write what was compared as a table for a paper: techniques in columns, verdicts beside."""
    from consilience.study import Study
    from consilience.study.exporting import table_text

    settings: Settings = context.obj
    if form not in ("markdown", "latex"):
        raise BadInputError(f"there is no format {form!r}", fix="use --format markdown or latex")
    with Study.open(settings.study) as study:
        text = table_text(study, form, kind, sample)
    if out is None:
        say(text.rstrip("\n"))
        return
    out.write_text(text, encoding="utf-8")
    say(f"table: {out}")
