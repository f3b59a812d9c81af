"""Write a new plugin from the templates beside this module."""

from __future__ import annotations

import keyword
import shutil
import sys
import tempfile
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from consilience.errors import BadInputError, PermissionDeniedError, StudyExistsError
from consilience.hookspecs import API_VERSION, ENTRY_POINT_GROUP

__all__ = ["FILES", "LICENCES", "new_plugin"]

LICENCES = ("BSD-3-Clause", "MIT", "Apache-2.0", "GPL-3.0-or-later")
"""What `new_plugin` offers; a plugin that imports a GPL library needs the last."""

FILES: dict[str, str] = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "$package/__init__.py": "init.py",
    "$package/plugin.py": "plugin.py",
    "$package/probe.py": "probe.py",
    "$package/reading.py": "reading.py",
    "$package/analysis.py": "analysis.py",
    "$package/views.py": "views.py",
    "$package/simulation.py": "simulation.py",
    "$package/py.typed": "py.typed",
    "tests/test_${name}_contract.py": "test_contract.py",
}
"""File of the new plugin to its template (``templates/….txt``)."""

LONGEST = 40
_RESERVED = {"core", "consilience", "plugin", "plugins", "test", "tests"}


def new_plugin(name: str, folder: Path, licence: str = "BSD-3-Clause") -> Path:
    """Write the package ``consilience-NAME`` into `folder` and return where it is.

    It has one modality, one reader of a simple text format, one analysis, one view and one
    simulator, all working, and the tests of its contract.

    Parameters
    ----------
    name : str
        Name of the plugin and of its modality: lower-case letters, digits and
        underscores, starting with a letter.
    folder : Path
        An existing folder.
    licence : str
        One of `LICENCES`.

    Raises
    ------
    BadInputError
        The name cannot be a plugin's, or is taken; no such licence.
    StudyExistsError
        Something is already there.
    PermissionDeniedError
        The folder cannot be written to.
    """
    _check_name(name)
    if licence not in LICENCES:
        raise BadInputError(
            f"{licence!r} is none of the licences offered", fix=f"use {', '.join(LICENCES)}"
        )
    target = folder / f"consilience-{name}"
    if target.exists() or target.is_symlink():
        raise StudyExistsError(
            f"{str(target)!r} is already there; nothing was written",
            fix="choose another name or folder, or remove it first",
            path=target,
        )
    words = {
        "name": name,
        "package": f"consilience_{name}",
        "title": name.replace("_", " "),
        "licence": licence,
        "api": str(API_VERSION),
    }
    try:
        # built beside its place and renamed, so that no half-written plugin is left
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as made:
            whole = Path(made) / target.name
            for path, template in FILES.items():
                file = whole / Template(path).substitute(words)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(_filled(template, words), encoding="utf-8")
            shutil.move(str(whole), str(target))
    except OSError as error:
        raise PermissionDeniedError(
            f"the plugin cannot be written into {str(folder)!r}: {error.strerror}",
            fix="name an existing folder that you may write to",
            path=folder,
        ) from error
    return target


def _filled(template: str, words: dict[str, str]) -> str:
    source = files("consilience.scaffold") / "templates" / f"{template}.txt"
    return Template(source.read_text(encoding="utf-8")).substitute(words)


def _check_name(name: str) -> None:
    why = ""
    if not (name.isascii() and name.isidentifier() and name == name.lower()):
        why = "is no lower-case identifier"
    elif name.startswith("_") or name.endswith("_") or "__" in name:
        why = "has an underscore where none is needed"
    elif len(name) > LONGEST:
        why = f"is longer than {LONGEST} letters"
    elif keyword.iskeyword(name) or keyword.issoftkeyword(name):
        why = "is a word of Python"
    elif name in sys.stdlib_module_names or name in _RESERVED:
        why = "is the name of something that is already there in Python or Consilience"
    if why:
        raise BadInputError(
            f"{name!r} cannot be a plugin's name: it {why}",
            fix="use lower-case letters, digits and underscores, for example 'raman'",
        )
    taken = {e.name for e in entry_points(group=ENTRY_POINT_GROUP)}
    if name in taken or find_spec(f"consilience_{name}") is not None:
        raise BadInputError(
            f"a plugin called {name!r} is already installed",
            fix=f"choose another name; taken are {', '.join(sorted(taken)) or 'none'}",
        )
