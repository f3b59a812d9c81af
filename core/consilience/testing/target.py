"""The plugin under test: where it is, what it imports, how it is loaded."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from consilience import builtin
from consilience.hookspecs import ENTRY_POINT_GROUP
from consilience.registry import Candidate, Registry

__all__ = [
    "COPYLEFT",
    "HEAVY",
    "Target",
    "child_environment",
    "copyleft_imports",
    "find_target",
    "load",
    "modules_after",
    "source_pyproject",
]

HEAVY = (
    "numpy",
    "xarray",
    "scipy",
    "pymatgen",
    "hyperspy",
    "matplotlib",
    "h5py",
    "zarr",
    "pandas",
)
"""What listing plugins must not import."""

COPYLEFT = ("hyperspy", "exspy", "rsciio", "galvani", "yadg")
"""GPL libraries: what imports one is GPL-3.0-or-later."""


@dataclass(frozen=True)
class Target:
    """A plugin by its entry point: ``name = "package.module"``."""

    name: str
    module: str

    @property
    def candidate(self) -> Candidate:
        """What the registry loads."""
        return Candidate(self.name, lambda: importlib.import_module(self.module), (self.name,))


def find_target(name: str, module: str = "") -> Target:
    """Return the plugin under test, from the installed entry points unless `module` is given.

    Raises
    ------
    LookupError
        No installed distribution has such an entry point.
    """
    if module:
        return Target(name, module)
    found = {e.name: e.value for e in entry_points(group=ENTRY_POINT_GROUP)}
    if name not in found:
        raise LookupError(
            f"no entry point {name!r} in group {ENTRY_POINT_GROUP!r} (there are: "
            f"{', '.join(sorted(found)) or 'none'}); install the plugin with pip install -e ."
        )
    return Target(name, found[name])


def load(targets: Sequence[Target]) -> Registry:
    """Load the core's declarations and these plugins, nothing else that is installed."""
    registry = Registry()
    registry.load(Candidate("core", lambda: builtin, ("consilience",)))
    names = {t.name for t in targets}
    for target in targets:
        registry.load(target.candidate, names)
    return registry


def child_environment() -> dict[str, str]:
    """Return the environment for a child that finds what this process can import."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "MPLBACKEND": "Agg",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def modules_after(target: Target, *, probes: bool) -> set[str]:
    """Return the top-level modules that a fresh process has loaded after the import.

    With `probes` each reader's probe is loaded and asked about an empty head, too.
    """
    script = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from consilience.declarations import FileProbe, Reader\n"
        "from consilience.testing.target_child import loaded\n"
        f"print(json.dumps(loaded({target.name!r}, {target.module!r}, {probes!r})))\n"
    )
    # the kit's own package imports pytest; only the light child module is wanted here
    bare = (
        "import sys, types, importlib.util\n"
        "package = types.ModuleType('consilience.testing')\n"
        f"package.__path__ = [{str(Path(__file__).parent)!r}]\n"
        "sys.modules['consilience.testing'] = package\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", bare + script],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise ImportError(
            f"{target.module} cannot be imported in a fresh process:\n{done.stderr[-2000:]}"
        )
    return set(json.loads(done.stdout.splitlines()[-1]))


def _package_files(module: str) -> Iterator[Path]:
    """Yield the Python files of the package that holds `module` (or of the module alone)."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return
    origin = Path(spec.origin)
    if "." in module or origin.name == "__init__.py":
        yield from sorted(origin.parent.rglob("*.py"))
    else:
        yield origin


def _imports(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def copyleft_imports(target: Target) -> dict[str, str]:
    """Return GPL library to the file that imports it, anywhere in the plugin's package."""
    found: dict[str, str] = {}
    for file in _package_files(target.module):
        for name in _imports(ast.parse(file.read_bytes())):
            if name in COPYLEFT:
                found.setdefault(name, file.name)
    return found


def source_pyproject(target: Target) -> Path | None:
    """Return the nearest pyproject.toml above the plugin that declares it, if there is one."""
    spec = importlib.util.find_spec(target.module)
    if spec is None or spec.origin is None:
        return None
    for folder in list(Path(spec.origin).parents)[:4]:
        file = folder / "pyproject.toml"
        if file.is_file():
            project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
            if target.name in project.get("entry-points", {}).get(ENTRY_POINT_GROUP, {}):
                return file
    return None
