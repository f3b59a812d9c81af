"""Commands about plugins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consilience.cli.output import fail_well, print_json, say, table

__all__ = ["attach"]

plugins_app = typer.Typer(
    help="Plugins: what is installed, what failed and why.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


def attach(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(plugins_app, name="plugins")


@plugins_app.callback()
@fail_well
def listing(
    context: typer.Context,
    kinds: Annotated[bool, typer.Option("--kinds", help="List the kinds of finding.")] = False,
    readers: Annotated[bool, typer.Option("--readers", help="List the readers.")] = False,
    analyses: Annotated[bool, typer.Option("--analyses", help="List the analyses.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for scripts.")] = False,
) -> None:
    """List plugins; a plugin that failed is shown with its reason and what to do."""
    if context.invoked_subcommand is not None:
        return
    from consilience.declarations import Analysis, Kind, Modality, Reader
    from consilience.registry import Registry

    registry = Registry.discover()
    if kinds:
        rows = [[k.name, k.title, k.about, k.unit or "", _margin(k)] for k in registry.all(Kind)]
        table(["kind", "title", "about", "unit", "margin"], rows, "none")
        return
    if readers:
        rows = [
            [r.key, ", ".join(r.patterns), ", ".join(r.options), ", ".join(r.companions)]
            for r in registry.all(Reader)
        ]
        table(["reader", "files", "options", "companions"], rows, "none")
        return
    if analyses:
        rows = [
            [a.key, a.title, a.modality, "each" if a.scope == "measurement" else "all of a sample",
             "yes" if a.default else "when named"]
            for a in registry.all(Analysis)
        ]  # fmt: skip
        table(["analysis", "title", "of", "measurements", "runs by itself"], rows, "none")
        return
    if as_json:
        print_json(
            {
                "loaded": [
                    {"name": p.info.name, "version": p.info.version, "warning": p.warning}
                    for p in registry.plugins.values()
                ],
                "failed": [
                    {"name": f.name, "reason": f.reason, "fix": f.fix} for f in registry.failed
                ],
            }
        )
        return
    owned = {
        name: [
            [m.key for m in registry.all(Modality) if registry.owner(m) is plugin],
            [r.key.partition(".")[2] for r in registry.all(Reader) if registry.owner(r) is plugin],
            [
                a.key.partition(".")[2]
                for a in registry.all(Analysis)
                if registry.owner(a) is plugin
            ],
        ]
        for name, plugin in registry.plugins.items()
    }
    table(
        ["plugin", "version", "licence", "modalities", "readers", "analyses"],
        [
            [p.info.name, p.info.version, p.info.licence, *(", ".join(k) for k in owned[name])]
            for name, p in sorted(registry.plugins.items())
        ],
        "no plugin is installed",
    )
    for plugin in registry.plugins.values():
        if plugin.warning:
            say(f"warning: plugin {plugin.info.name!r} is {plugin.warning}")
    for failed in registry.failed:
        say(f"failed: plugin {failed.name!r} ({failed.distribution}): {failed.reason}")
        say(f"  fix: {failed.fix}")
        if context.obj is not None and context.obj.debug and failed.trace:
            say(failed.trace)


def _margin(kind: object) -> str:
    margin = getattr(kind, "margin", None)
    if margin is None:
        return ""
    relative = getattr(kind, "margin_relative", False)
    return f"{100 * margin:g} %" if relative else f"{margin:g} {getattr(kind, 'unit', '')}"


@plugins_app.command("parameters")
@fail_well
def parameters(
    context: typer.Context,  # noqa: ARG001  fail_well looks for --debug in it
    key: Annotated[
        str, typer.Argument(help="Key of an analysis or simulator, such as xrf.elements.")
    ],
) -> None:
    """Say what the parameters of an analysis or simulator are, with their defaults."""
    from consilience.cli.parameters import parameters_of
    from consilience.declarations import Analysis, Simulator
    from consilience.registry import Registry

    registry = Registry.discover()
    simulates = any(one.key == key for one in registry.all(Simulator))
    declared = registry.get(Simulator, key) if simulates else registry.get(Analysis, key)
    found = parameters_of(declared.params.load())
    for one in found:
        say(f"{one.name} = {one.default}" + (f"  ({one.type})" if one.type else ""))
        if one.text:
            say(f"    {one.text}")
    if found:
        command = f"simulate {key} --out FOLDER" if simulates else f"analyse --analysis {key}"
        said = f"consilience {command} --param NAME=VALUE"
        say(f'given with: {said}; values as in TOML: 3.0, true, \'["a", "b"]\'')


@plugins_app.command("new")
@fail_well
def new(
    context: typer.Context,  # noqa: ARG001  fail_well looks for --debug in it
    name: Annotated[str, typer.Argument(help="Name of the plugin, a Python identifier.")],
    folder: Annotated[Path, typer.Option("--folder", help="Where it goes.")] = Path(),
) -> None:
    """Write the start of a new plugin: installs, is discovered and passes its contract."""
    from consilience.scaffold import new_plugin

    made = new_plugin(name, folder)
    say(f"plugin {name!r} written to {made}")
    say(f"next: pip install -e {made}, then pytest {made}, then consilience plugins")
