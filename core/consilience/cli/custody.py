"""Commands about what happened to samples: protocols and storage."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from consilience.cli.output import fail_well, print_json, say

if TYPE_CHECKING:
    from consilience.custody.protocols.holding import Held

__all__ = ["attach", "custody_app"]

Json = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]

custody_app = typer.Typer(
    help="What happened to a sample before it was measured.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def attach(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(custody_app, name="custody")


@custody_app.command("check")
@fail_well
def check(
    context: typer.Context,
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="Name, or a .toml file; else the study's own.")
    ] = None,
    sample: Annotated[str | None, typer.Option("--sample", help="Only of this sample.")] = None,
    as_json: Json = False,
) -> None:
    """Hold the steps of samples against a protocol: kept, broken, unknown, step by step."""
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        found = study.check(protocol, sample)
    if as_json:
        print_json([_as_json(held) for held in found])
        return
    if not found:
        say("no sample has steps yet; add one with 'consilience step add TYPE --sample ID'")
    for held in found:
        _show(held)


def _show(held: Held) -> None:
    say(f"{held.sample} against {held.protocol.name} ({held.protocol.title}): {held.result}")
    for number, step in enumerate(held.steps, start=1):
        say(f"  {number}. {step.result}: {step.title}")
        for line in step.why:
            say(f"       {line}")
    if held.beside:
        names = ", ".join(s.title or s.type.replace("_", " ") for s in held.beside)
        say(f"  beside the protocol: {names}")
    say(f"  protocol: {held.protocol.cited}")


def _as_json(held: Held) -> dict[str, object]:
    return {
        "sample": held.sample,
        "protocol": held.protocol.name,
        "citation": held.protocol.cited,
        "result": held.result,
        "steps": [
            {
                "title": step.title,
                "result": step.result,
                "steps": [s.id for s in step.steps],
                "why": list(step.why),
            }
            for step in held.steps
        ],
        "beside": [s.id for s in held.beside],
    }


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
