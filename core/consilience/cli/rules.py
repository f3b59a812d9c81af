"""Commands about rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from consilience.cli.output import fail_well, print_json, say, table

if TYPE_CHECKING:
    from consilience.rules import Rule

__all__ = ["attach"]

Json = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]

rules_app = typer.Typer(
    help="Rules that turn what happened to a sample into caveats on findings.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


def attach(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(rules_app, name="rules")


@rules_app.callback()
@fail_well
def rules(context: typer.Context, as_json: Json = False) -> None:
    """List the rules, as this study has them where there is one."""
    if context.invoked_subcommand is None:
        _list(context, as_json)


@rules_app.command("list")
@fail_well
def listing(context: typer.Context, as_json: Json = False) -> None:
    """List the rules, as this study has them where there is one."""
    _list(context, as_json)


def _list(context: typer.Context, as_json: bool) -> None:
    held, _ = _rules(context)
    if as_json:
        print_json([rule.to_json() for rule in held])
        return
    table(
        ["rule", "effect", "fires if", "scope", "citation"],
        [
            [
                rule.id,
                f"{rule.effect} (changed)" if rule.overrides else rule.effect,
                rule.when(),
                rule.scope.words(),
                rule.doi or (f"arXiv:{rule.arxiv}" if rule.arxiv else "the record itself"),
            ]
            for rule in held
        ],
        "no rule is installed",
    )


@rules_app.command("explain")
@fail_well
def explain(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(metavar="ID", help="As in 'consilience rules'.")],
    as_json: Json = False,
) -> None:
    """Show a rule with its basis, its citation, what clears it, and what this study changed."""
    from difflib import get_close_matches

    from consilience.errors import NotFoundError
    from consilience.rules.explain import explained

    held, shipped = _rules(context)
    known = {r.id: r for r in held}
    if rule not in known:
        near = get_close_matches(rule, known, n=3)
        raise NotFoundError(
            f"there is no rule {rule!r}",
            fix=f"did you mean {', '.join(near)}?"
            if near
            else "list them with 'consilience rules'",
        )
    if as_json:
        print_json({"rule": known[rule].to_json(), "link": known[rule].link})
        return
    for line in explained(known[rule], {r.id: r for r in shipped}.get(rule)):
        say(line)


def _rules(context: typer.Context) -> tuple[list[Rule], list[Rule]]:
    """Return the rules as they hold here, and as they are shipped."""
    folder = context.obj.study
    if (folder / "consilience.json").exists():
        from consilience.study import Study

        with Study.open(folder) as study:
            return study.rules(), study.rules(shipped=True)
    from consilience.registry import Registry
    from consilience.rules import load_rules

    shipped = load_rules(Registry.discover())
    return shipped, shipped
