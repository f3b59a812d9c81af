"""The meeting place: every hook a plugin can implement, in one typed file.  Read this first.

A plugin is a module named by an entry point of the group ``consilience.plugins``; it
implements any of the functions below and marks them with `hookimpl`::

    from consilience.hookspecs import hookimpl
    from consilience.declarations import Modality, PluginInfo

    @hookimpl
    def plugin_info() -> PluginInfo: ...

Who calls: `consilience.registry.Registry.discover`, once for each process that
needs plugins, in isolation for each plugin.  When: before anything is read,
analysed or drawn.  How often: each hook once.  Hooks *return declarations*; the
core checks them, commits all of a plugin's declarations or none, and later
dispatches by key.  No hook is asked "is this yours?", so no answer depends on the
order of registration.

The plugin module must import nothing heavy (numpy, xarray, hyperspy …): name code
with `Ref`, and it is imported when it is first called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import pluggy

from consilience.declarations import (
    Analysis,
    Check,
    Comparison,
    Exporter,
    Kind,
    Modality,
    PluginInfo,
    Reader,
    Rules,
    Simulator,
    View,
)

__all__ = ["API_VERSION", "ENTRY_POINT_GROUP", "HOOKS", "PROJECT", "hookimpl", "hookspec"]

PROJECT = "consilience"
ENTRY_POINT_GROUP = "consilience.plugins"
API_VERSION = 1
"""Raised when a declaration or contract changes so that older plugins break."""

F = TypeVar("F", bound=Callable[..., Any])

hookspec = cast(Callable[[F], F], pluggy.HookspecMarker(PROJECT))
hookimpl = cast(Callable[[F], F], pluggy.HookimplMarker(PROJECT))


@hookspec
def plugin_info() -> PluginInfo:  # type: ignore[empty-body]
    """Who are you?  Required.  `name` must equal the entry point's name."""


@hookspec
def register_modalities() -> Sequence[Modality]:  # type: ignore[empty-body]
    """Which techniques do you bring?"""


@hookspec
def register_readers() -> Sequence[Reader]:  # type: ignore[empty-body]
    """Which files can you read?  Keys are ``<plugin>.<name>``."""


@hookspec
def register_analyses() -> Sequence[Analysis]:  # type: ignore[empty-body]
    """Which findings can you make of measurements?  Keys are ``<plugin>.<name>``."""


@hookspec
def register_kinds() -> Sequence[Kind]:  # type: ignore[empty-body]
    """Which kinds of finding do you add to the core list?"""


@hookspec
def register_comparisons() -> Sequence[Comparison]:  # type: ignore[empty-body]
    """Which pairs of findings can you compare?"""


@hookspec
def register_rules() -> Sequence[Rules]:  # type: ignore[empty-body]
    """Which rules of custody and dose do you ship (TOML resources)?"""


@hookspec
def register_checks() -> Sequence[Check]:  # type: ignore[empty-body]
    """What do you look for in data of a modality before they are registered?"""


@hookspec
def register_views() -> Sequence[View]:  # type: ignore[empty-body]
    """Which sections do you add to the report (Figure, Cloud, Table or Text, never HTML)?"""


@hookspec
def register_simulators() -> Sequence[Simulator]:  # type: ignore[empty-body]
    """Which files can you simulate?"""


@hookspec
def register_exporters() -> Sequence[Exporter]:  # type: ignore[empty-body]
    """Which formats of your field can you write?"""


HOOKS: tuple[str, ...] = (
    "plugin_info",
    "register_modalities",
    "register_readers",
    "register_analyses",
    "register_kinds",
    "register_comparisons",
    "register_rules",
    "register_checks",
    "register_views",
    "register_simulators",
    "register_exporters",
)
