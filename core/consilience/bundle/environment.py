"""With what numbers were computed: interpreter, platform, packages with their versions.

Two lists of packages are told apart: what is *loaded* in this process, which is what analyses
used, and what the program *requires*, which is what has to be installed to run it again.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["differing_versions", "environment", "loaded_packages", "pins", "required_packages"]

_TOOLS = {"pip", "setuptools", "wheel"}
"""They install, and compute nothing."""


def environment(packages: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the environment of this process as JSON.

    Parameters
    ----------
    packages : mapping, optional
        Name to version; those whose modules are loaded otherwise.

    Returns
    -------
    dict
        python, implementation, system, machine, libc, blas, simd, code (hashes of Consilience's own
        modules, which a version number alone does not tell while they are worked on) and packages,
        sorted; what cannot be found out is None.
    """
    libc = " ".join(part for part in platform.libc_ver() if part)
    blas, simd = _linear_algebra()
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "libc": libc or None,
        "blas": blas,
        "simd": simd,
        "code": {name: _code(name) for name in sorted(_own_roots())},
        "packages": dict(sorted((loaded_packages() if packages is None else packages).items())),
    }


def loaded_packages() -> dict[str, str]:
    """Return name and version of each distribution whose modules this process has imported."""
    owners = _owners()
    roots = {name.partition(".")[0] for name in sys.modules}
    names = {owner for root in roots for owner in owners.get(root, ())}
    return _versions(names - _TOOLS)


def required_packages(names: Iterable[str] = ("consilience",)) -> dict[str, str]:
    """Return the installed distributions that these need, themselves included.

    Parameters
    ----------
    names : iterable of str
        Distributions to start from; one that is not installed is left out.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, frozenset[str]] = {}
    said: dict[str, str] = {}
    waiting: list[tuple[str, frozenset[str]]] = [(name, frozenset()) for name in names]
    while waiting:
        name, extras = waiting.pop()
        key = canonicalize_name(name)
        if key in found and extras <= found[key]:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        found[key] = extras | found.get(key, frozenset())
        said[package.metadata["Name"]] = package.version
        for line in package.requires or ():
            need = Requirement(line)
            wanted = need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in (extras or {""})
            )
            if wanted:
                waiting.append((need.name, frozenset(need.extras)))
    return dict(sorted(said.items()))


def pins(packages: Mapping[str, str]) -> str:
    """Return versions as lines that pip reads."""
    return "".join(f"{name}=={packages[name]}\n" for name in sorted(packages, key=str.casefold))


def differing_versions(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what differs between two environments, as name, there and here.

    A package that only *here* has is no difference: nothing there can have used it.
    """
    found = [
        {"name": name, "there": there[name], "here": here.get(name)}
        for name in ("python", "implementation", "system", "machine", "libc", "blas", "simd")
        if name in there and there[name] != here.get(name)
    ]
    mine_own = here.get("code", {})
    found += [
        {"name": f"code of {name}", "there": other[:12], "here": (_code(name) or "")[:12] or None}
        for name, other in sorted(there.get("code", {}).items())
        if other is not None and other != (mine_own.get(name) or _code(name))
    ]
    installed = here["packages"]
    for name, other in sorted(there.get("packages", {}).items()):
        mine = installed.get(name) or _versions([name]).get(name)
        if mine != other:
            found.append({"name": name, "there": other, "here": mine})
    return found


def _own_roots() -> set[str]:
    roots = {name.partition(".")[0] for name in sys.modules}
    return {root for root in roots if root == "consilience" or root.startswith("consilience_")}


@cache
def _code(root: str) -> str | None:
    """Return the SHA-256 over all modules of a package: names and content."""
    found = find_spec(root)
    if found is None or not found.submodule_search_locations:
        return None
    digest = hashlib.sha256()
    folder = Path(next(iter(found.submodule_search_locations)))
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def _owners() -> Mapping[str, list[str]]:
    return packages_distributions()


def _versions(names: Iterable[str]) -> dict[str, str]:
    known = {}
    for name in sorted(names):
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            continue
    return known


def _linear_algebra() -> tuple[str | None, str | None]:
    """Return the BLAS that numpy was built with, and the vector instructions that it found.

    Both reorder sums, and so the last digits.
    """
    from numpy.__config__ import CONFIG

    blas = CONFIG.get("Build Dependencies", {}).get("blas", {})
    simd = CONFIG.get("SIMD Extensions", {}).get("found", [])
    named = " ".join(str(blas[key]) for key in ("name", "version") if blas.get(key))
    return named or None, ", ".join(simd) or None
