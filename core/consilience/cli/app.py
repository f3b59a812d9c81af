"""``consilience``: the command line.

Each command is one call of a method of `consilience.Study`.  Nothing heavy is
imported here: a command imports what it needs when it runs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from consilience._version import __version__
from consilience.cli import (
    bundles,
    completing,
    custody,
    dose,
    looking,
    paper,
    plugins,
    registering,
    rules,
    simulating,
    why,
    working,
)
from consilience.cli.output import ProgressStyle, Settings, say

__all__ = ["app", "main"]

app = typer.Typer(
    name="consilience",
    help="One sample, many instruments, one honest verdict.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        say(f"consilience {__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    context: typer.Context,
    study: Annotated[
        Path | None,
        typer.Option(
            "--study", "-C", help="Folder of the study; else CONSILIENCE_STUDY, else here."
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    progress: Annotated[
        str, typer.Option("--progress", help="auto, bar, plain, json or none.")
    ] = "auto",
    version: Annotated[  # noqa: ARG001  acts by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    styles: dict[str, ProgressStyle] = {
        "auto": "auto",
        "bar": "bar",
        "plain": "plain",
        "json": "json",
        "none": "none",
    }
    if progress not in styles:
        raise typer.BadParameter(f"{progress!r}; use one of {', '.join(styles)}")
    folder = study or Path(os.environ.get("CONSILIENCE_STUDY", "."))
    context.obj = Settings(folder, debug, styles[progress])


registering.attach(app)
looking.attach(app)
why.attach(app)
working.attach(app)
simulating.attach(app)
bundles.attach(app)
paper.attach(app)
dose.attach(app)
plugins.attach(app)
rules.attach(app)
custody.attach(app)
completing.attach(custody.custody_app)


def main() -> None:
    """Run the command line."""
    app()
