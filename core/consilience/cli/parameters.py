"""Parameters of an analysis or simulator in words: from its model's fields and docstrings."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Parameter", "parameters_of"]

HEAD = re.compile(r"(\w+(?:, \w+)*)(?: : (.*))?")
LONGEST = 60
"""Characters of a default that is shown whole."""


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, its default as TOML would have it, its type and its meaning.

    One of a part of the model has the part's name before its own: ``setting.grid.rows``.
    """

    name: str
    default: str
    type: str
    text: str


def parameters_of(model: type[BaseModel]) -> list[Parameter]:
    """Return the parameters of a model in the order of its fields.

    Examples
    --------
    >>> from pydantic import BaseModel
    >>> class Params(BaseModel):
    ...     '''Of a test.
    ...
    ...     Parameters
    ...     ----------
    ...     low, high : float, optional
    ...         keV that are ``fitted``.
    ...     '''
    ...     low: float | None = None
    ...     lines: tuple[str, ...] = ("Pt_L",)
    >>> [(p.name, p.default, p.type, p.text) for p in parameters_of(Params)]
    [('low', 'none', 'float, optional', 'keV that are fitted.'), ('lines', '["Pt_L"]', '', '')]
    """
    return list(_parameters(model, None, ""))


def _parameters(model: type[BaseModel], part: BaseModel | None, before: str) -> Iterator[Parameter]:
    """The parameters of a model, or of a `part` with its own values, whose name stands `before`."""
    said: dict[str, tuple[str, str]] = {}
    for one in reversed(model.__mro__):
        said.update(_documented(one.__dict__.get("__doc__") or ""))
    for name, field in model.model_fields.items():
        value = field.get_default(call_default_factory=True)
        if part is not None:
            value = getattr(part, name)
        if hasattr(type(value), "model_fields"):
            yield from _parameters(type(value), value, f"{before}{name}.")
        else:
            yield Parameter(before + name, _default(value), *said.get(name, ("", "")))


def _documented(text: str) -> dict[str, tuple[str, str]]:
    """Type and meaning of each name in the section of parameters (or attributes)."""
    first, _, rest = text.partition("\n")
    lines = f"{first.strip()}\n{textwrap.dedent(rest)}".splitlines()
    found: dict[str, tuple[str, str]] = {}
    names: list[str] = []
    within = False
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if after.startswith("---"):
            within, names = line.strip() in ("Parameters", "Attributes"), []
        elif within and line and not line.startswith((" ", "-")):
            head = HEAD.fullmatch(line.strip())
            names = head[1].split(", ") if head else []
            found.update(dict.fromkeys(names, (head[2] or "", "")) if head else {})
        elif within and names and line.strip():
            for name in names:
                kind, so_far = found[name]
                plain = line.strip().replace("``", "").replace("`", "")
                found[name] = (kind, f"{so_far} {plain}".strip())
    return found


def _default(value: Any) -> str:
    if value is None:
        return "none"
    text = json.dumps(value, default=_plain, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)
