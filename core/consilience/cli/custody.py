"""Commands about what happened to samples: protocols and storage."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from consilience.cli import words
from consilience.cli.custody_check import check
from consilience.cli.output import fail_well, print_json, say

__all__ = ["attach", "custody_app"]

Json = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]

custody_app = typer.Typer(
    help="What happened to a sample before it was measured.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def attach(app: typer.Typer) -> None:
    """Add the commands of this module."""
    custody_app.command("check")(check)
    app.add_typer(custody_app, name="custody")


@custody_app.command("storage")
@fail_well
def storage(
    context: typer.Context,
    material: Annotated[
        str, typer.Option("--material", help="Such as 'Li foil', 'bi-salt', 'Gen 2'.")
    ],
    duration: Annotated[str, typer.Option("--duration", help="Such as '2 d' or '36 h'.")],
    as_json: Json = False,
) -> None:
    """Say whether lithium may be stored so long, and which part of that is published."""
    from consilience.custody.protocols.storage import storage_answer
    from consilience.quantities import parse_quantity

    folder = context.obj.study
    with words.reading("--duration", '"2 d"'):
        hours = parse_quantity(duration, "h").value
    if (folder / "consilience.json").exists():
        from consilience.study import Study

        with Study.open(folder) as study:
            answer = study.storage(material, hours)
    else:
        from consilience.registry import Registry
        from consilience.rules import load_rules

        answer = storage_answer(load_rules(Registry.discover()), material, hours)
    if as_json:
        print_json(asdict(answer))
        return
    say(f"{material}, {duration} in an argon glovebox: {answer.verdict}")
    for line in answer.lines:
        say(f"  {line.text}")
        if line.rule:
            say(f"    {line.rule}: {line.citation}")
