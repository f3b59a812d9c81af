"""Discovery of plugins, in isolation, and dispatch by key.

Our own loop over the entry points: each plugin is imported and checked alone, so
one that is broken is listed with its reason and fix while the rest run.  All of a
plugin's declarations are committed, or none.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import ModuleType
from typing import Any, TypeVar, cast

import pluggy

from consilience import hookspecs
from consilience.declarations import (
    Analysis,
    Check,
    Comparison,
    Declaration,
    Exporter,
    Kind,
    Modality,
    PluginInfo,
    Reader,
    Ref,
    Rules,
    Simulator,
    View,
)
from consilience.errors import NotFoundError, PluginError

__all__ = ["Candidate", "FailedPlugin", "LoadedPlugin", "Registry"]

D = TypeVar("D", bound=Declaration)

_TYPES: dict[str, type[Declaration]] = {
    "register_modalities": Modality,
    "register_readers": Reader,
    "register_analyses": Analysis,
    "register_kinds": Kind,
    "register_comparisons": Comparison,
    "register_rules": Rules,
    "register_checks": Check,
    "register_views": View,
    "register_simulators": Simulator,
    "register_exporters": Exporter,
}
_UNPREFIXED: tuple[type[Declaration], ...] = (Modality, Kind)


@dataclass(frozen=True)
class Candidate:
    """A plugin that may be loaded: its name, who provides it, and how to import it."""

    name: str
    load: Callable[[], Any]
    distributions: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadedPlugin:
    """A plugin whose declarations are all committed."""

    info: PluginInfo
    distribution: str
    declarations: tuple[Declaration, ...]
    warning: str = ""


@dataclass(frozen=True)
class FailedPlugin:
    """A plugin that was left out, why, and what to do."""

    name: str
    distribution: str
    reason: str
    fix: str
    trace: str = ""


@dataclass
class Registry:
    """All declarations of all plugins that loaded, by type and key.

    Notes
    -----
    There is no global registry: whoever needs one makes it with `discover` and
    hands it on.
    """

    plugins: dict[str, LoadedPlugin] = field(default_factory=dict)
    failed: list[FailedPlugin] = field(default_factory=list)
    _by_type: dict[type[Declaration], dict[str, Declaration]] = field(default_factory=dict)
    _owner: dict[tuple[type[Declaration], str], str] = field(default_factory=dict)

    @classmethod
    def discover(cls, extra: Iterable[Candidate] = ()) -> Registry:
        """Load the built-in declarations and every installed plugin.

        Parameters
        ----------
        extra : iterable of Candidate
            Plugins beside the installed ones (tests, notebooks).
        """
        registry = cls()
        registry.load(Candidate("core", _load_builtin, ("consilience",)))
        candidates = sorted([*_installed(), *extra], key=lambda c: c.name)
        names = {c.name for c in candidates}
        for candidate in candidates:
            registry.load(candidate, names)
        return registry

    def load(self, candidate: Candidate, names: Iterable[str] = ()) -> bool:
        """Load one plugin in isolation; return False and list it as failed on any fault."""
        distribution = candidate.distributions[0] if candidate.distributions else "?"
        try:
            info, declarations = _collect(candidate)
            self._refuse_clashes(info, declarations, set(names))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may raise anything, even SystemExit
            reason, fix = _explain(candidate, error)
            trace = "" if isinstance(error, PluginError) else traceback.format_exc()
            self.failed.append(FailedPlugin(candidate.name, distribution, reason, fix, trace))
            return False
        warning = ""
        if len(candidate.distributions) > 1:
            keep, *rest = candidate.distributions
            warning = (
                f"provided by {' and '.join(candidate.distributions)}; counted once. "
                f"To have one owner: pip uninstall {' '.join(rest)}, then reinstall {keep}"
            )
        self.plugins[info.name] = LoadedPlugin(info, distribution, declarations, warning)
        for item in declarations:
            key = _key(item)
            self._by_type.setdefault(type(item), {})[key] = item
            self._owner[type(item), key] = info.name
        return True

    def _refuse_clashes(
        self, info: PluginInfo, declarations: Sequence[Declaration], names: set[str]
    ) -> None:
        if info.name in self.plugins:
            raise PluginError(
                f"a plugin named {info.name!r} is already loaded",
                fix="rename one of the two, or uninstall one",
            )
        seen: set[tuple[type[Declaration], str]] = set()
        for item in declarations:
            kind, key = type(item), _key(item)
            what = f"{kind.__name__.lower()} {key!r}"
            if (kind, key) in seen:
                raise PluginError(f"declares the {what} twice", fix="declare it once")
            seen.add((kind, key))
            if (kind, key) in self._owner:
                raise PluginError(
                    f"redeclares the {what}, which plugin {self._owner[kind, key]!r} owns",
                    fix=f"rename it, for example '{info.name}.{key.rpartition('.')[2]}'",
                )
            if not isinstance(item, _UNPREFIXED):
                if not key.startswith(f"{info.name}."):
                    raise PluginError(
                        f"the {what} does not start with the plugin's name",
                        fix=f"name it '{info.name}.{key.rpartition('.')[2]}'",
                    )
            elif key in names and key != info.name:
                raise PluginError(
                    f"declares the {what}, the name of another plugin",
                    fix=f"rename it, for example '{info.name}.{key}'",
                )

    def _of(self, kind: type[D]) -> dict[str, D]:
        return cast(dict[str, D], self._by_type.get(cast(type[Declaration], kind), {}))

    def all(self, kind: type[D]) -> list[D]:
        """Return all declarations of one type, sorted by key."""
        return [item for _, item in sorted(self._of(kind).items())]

    def get(self, kind: type[D], key: str) -> D:
        """Return one declaration by key.

        Raises
        ------
        NotFoundError
            No plugin declares it; the message lists what there is.
        """
        known = self._of(kind)
        if key not in known:
            failed = [f.name for f in self.failed if key.split(".")[0] == f.name]
            near = get_close_matches(key, known, n=1, cutoff=0.8)
            if failed:
                hint = f"plugin {failed[0]!r} failed to load: see 'consilience plugins'"
            elif near:
                hint = f"did you mean {near[0]!r}?"
            else:
                hint = f"use one of: {', '.join(sorted(known)) or 'none is registered'}"
            raise NotFoundError(f"no {kind.__name__.lower()} is called {key!r}", fix=hint)
        return known[key]

    def owner(self, item: Declaration) -> LoadedPlugin:
        """Return the plugin that declared `item`."""
        return self.plugins[self._owner[type(item), _key(item)]]


def _installed() -> list[Candidate]:
    """Return the installed plugins, one candidate for each name."""
    from importlib.metadata import entry_points

    found: dict[tuple[str, str], tuple[Callable[[], Any], list[str]]] = {}
    for entry in entry_points(group=hookspecs.ENTRY_POINT_GROUP):
        owner = entry.dist.name if entry.dist is not None else "?"
        _, owners = found.setdefault((entry.name, entry.value), (entry.load, []))
        if owner not in owners:
            owners.append(owner)
    return [
        Candidate(name, load, tuple(sorted(owners))) for (name, _), (load, owners) in found.items()
    ]


def _load_builtin() -> ModuleType:
    from consilience import builtin

    return builtin


def _key(item: Declaration) -> str:
    return item.name if isinstance(item, Kind) else item.key


def _collect(candidate: Candidate) -> tuple[PluginInfo, tuple[Declaration, ...]]:
    """Import a plugin and call its hooks, each once."""
    module = candidate.load()
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=candidate.name)
    manager.check_pending()
    infos = manager.hook.plugin_info()
    if len(infos) != 1 or not isinstance(infos[0], PluginInfo):
        raise PluginError(
            f"plugin_info() returned {infos!r}, expected one PluginInfo",
            fix="implement plugin_info() in the entry point's module, marked @hookimpl",
        )
    info = infos[0]
    if info.api != hookspecs.API_VERSION:
        raise PluginError(
            f"written for API version {info.api}, this host has {hookspecs.API_VERSION}",
            fix=(
                "install a newer release of the plugin"
                if info.api < hookspecs.API_VERSION
                else "install a newer consilience"
            ),
        )
    if info.name != candidate.name:
        raise PluginError(
            f"calls itself {info.name!r}, but its entry point is {candidate.name!r}",
            fix="give both the same name",
        )
    declarations: list[Declaration] = []
    for hook, expected in _TYPES.items():
        for answer in getattr(manager.hook, hook)():
            if not isinstance(answer, Sequence):
                raise PluginError(
                    f"{hook}() returned {type(answer).__name__}, "
                    f"expected a list of {expected.__name__}",
                    fix=f"return [{expected.__name__}(…), …]",
                )
            for item in answer:
                if not isinstance(item, expected):
                    raise PluginError(
                        f"{hook}() returned a {type(item).__name__}, expected {expected.__name__}",
                        fix=f"return only {expected.__name__} objects from {hook}()",
                    )
                _check_refs(item)
                declarations.append(item)
    return info, tuple(declarations)


def _check_refs(item: Declaration) -> None:
    for name in ("probe", "read", "params", "run", "build"):
        value = getattr(item, name, None)
        if value is not None and not isinstance(value, Ref):
            raise PluginError(
                f"{type(item).__name__} {_key(item)!r}: {name} is a {type(value).__name__}",
                fix=f"name it lazily: {name}=Ref('package.module:name')",
            )


def _explain(candidate: Candidate, error: BaseException) -> tuple[str, str]:
    """Return reason and fix for a plugin that failed."""
    if isinstance(error, PluginError):
        return error.what, error.fix
    if isinstance(error, ModuleNotFoundError):
        return (
            f"cannot be imported: no module named {error.name!r}",
            (
                f"install what provides {error.name!r}, "
                f"or uninstall {' '.join(candidate.distributions)}"
            ),
        )
    if isinstance(error, SystemExit):
        return (
            f"called sys.exit({error.code!r}) while it was imported",
            "report it to the plugin's author; a plugin must not end the program",
        )
    if isinstance(error, pluggy.PluginValidationError):
        return (
            f"does not fit the hooks: {error}",
            "compare the function with consilience/hookspecs.py; hooks take no arguments",
        )
    return (
        f"{type(error).__name__} while it was loaded: {error}",
        "see the traceback with 'consilience --debug plugins'; report it to the plugin's author",
    )
