"""``consilience custody completeness`` and ``custody methods``: what to report, in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from consilience.cli.output import fail_well, print_json, say, table

if TYPE_CHECKING:
    from consilience.custody.account.completeness import Completeness

__all__ = ["attach"]

ForSample = Annotated[str | None, typer.Option("--sample", help="Only of this sample.")]
ForOne = Annotated[str | None, typer.Option("--measurement", help="Only this one.")]


def attach(custody_app: typer.Typer) -> None:
    """Add the commands of this module to ``consilience custody``."""
    custody_app.command("completeness")(completeness)
    custody_app.command("methods")(methods)


@fail_well
def completeness(
    context: typer.Context,
    sample: ForSample = None,
    measurement: ForOne = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for scripts.")] = False,
) -> None:
    """Show what each measurement's field asks to be reported: given, derived or missing."""
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        found = study.completeness(sample, measurement)
    if as_json:
        print_json([item.to_json() for item in found])
        return
    table(
        ["measurement", "sample", "technique", "field", "status", "what"],
        [row for item in found for row in _rows(item)],
        "no measurement was made here; simulated and entered ones are not asked",
    )
    for item in found:
        if item.percent is not None:
            known = sum(field.status != "missing" for field in item.fields)
            fields = "1 field" if len(item.fields) == 1 else f"{len(item.fields)} fields"
            say(f"{item.measurement} ({item.file}): {item.percent:.0f} %, {known} of {fields}")


def _rows(item: Completeness) -> list[list[str]]:
    start = [item.measurement, item.sample, item.modality]
    if not item.fields:
        return [[*start, "", "", "its technique asks for nothing"]]
    return [[*start, f.name.replace("_", " "), f.status, f.text] for f in item.fields]


@fail_well
def methods(context: typer.Context, sample: ForSample = None, measurement: ForOne = None) -> None:
    """Write the methods paragraph, with 'not recorded' where it was not."""
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        text = study.methods(sample, measurement)
    say(text or "nothing is registered yet; add a sample with 'consilience sample add ID'")
