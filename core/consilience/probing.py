"""Which reader reads this file: one best claim, or an error that lists the keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from consilience.declarations import Claim, FileProbe, Reader
from consilience.errors import (
    AmbiguousReaderError,
    BadFileError,
    BadInputError,
    NotFoundError,
    PermissionDeniedError,
)
from consilience.registry import Registry

__all__ = ["choose_reader", "probe_file"]

HEAD_BYTES = 4096
FEW = 3
"""Readers that declined and are all named; of more each is said for what it is."""


def probe_file(path: Path) -> FileProbe:
    """Open the file once and return what readers may look at.

    Raises
    ------
    NotFoundError, PermissionDeniedError
        The file is not there or cannot be read.
    BadFileError
        The file is empty.
    """
    suffixes = tuple(s.lower() for s in path.suffixes)
    if path.is_dir():
        return FileProbe(path, b"", suffixes, True)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"there is no file {str(path)!r}",
            fix="check the path; it starts at the current folder, or at --data of 'build'",
            path=path,
        ) from error
    except PermissionError as error:
        raise PermissionDeniedError(
            f"{str(path)!r} cannot be read: permission denied",
            fix="make it readable for this user, or copy it",
            path=path,
        ) from error
    if not head:
        raise BadFileError(
            f"{path.name!r} is empty (0 bytes)",
            fix="copy it again from the instrument; nothing was registered",
            path=path,
            offset=0,
        )
    return FileProbe(path, head, suffixes, False)


def choose_reader(
    registry: Registry,
    path: Path,
    key: str | None = None,
    options: Mapping[str, object] | None = None,
    companions: Mapping[str, Path] | None = None,
) -> Reader:
    """Return the reader for a file: the one named by `key`, or the one best claim.

    Raises
    ------
    AmbiguousReaderError
        No reader claims the file, or several claim it equally.
    BadInputError
        The reader has no such option or companion role.
    """
    probe = probe_file(path)
    if key is not None:
        reader = registry.get(Reader, key)
    else:
        reader = _best(registry, probe, companions or {})
    for kind, given, known in (
        ("option", options or {}, reader.options),
        ("companion role", companions or {}, reader.companions),
    ):
        for name in given:
            if name not in known:
                listing = "; ".join(f"{k}: {v}" for k, v in known.items()) or "it takes none"
                raise BadInputError(
                    f"reader {reader.key!r} has no {kind} {name!r}", fix=f"it knows {listing}"
                )
    return reader


def _best(registry: Registry, probe: FileProbe, companions: Mapping[str, Path]) -> Reader:
    claims: dict[Claim, list[Reader]] = {Claim.YES: [], Claim.MAYBE: []}
    faults: list[str] = []
    asked: list[str] = []
    name = probe.path.name.lower()
    for reader in registry.all(Reader):
        if not any(fnmatchcase(name, pattern) for pattern in reader.patterns):
            continue
        asked.append(reader.key)
        try:
            claim = Claim(reader.probe.load()(probe))
        except Exception as error:  # a probe that fails must not hide the others
            faults.append(f"probe of {reader.key!r} failed: {type(error).__name__}: {error}")
            continue
        if claim is not Claim.NO:
            claims[claim].append(reader)
    for claim in (Claim.YES, Claim.MAYBE):
        best = claims[claim]
        if len(best) > 1 and companions:
            # a role that only one of them knows (a geometry beside an image) decides
            fitting = [r for r in best if set(companions) <= set(r.companions)]
            best = fitting or best
        if len(best) == 1:
            return best[0]
        if best:
            keys = ", ".join(r.key for r in best)
            raise AmbiguousReaderError(
                f"{len(best)} readers claim {probe.path.name!r} equally: {keys}",
                fix=f"choose one, for example --reader {best[0].key}",
                path=probe.path,
            )
    if probe.is_dir:
        raise AmbiguousReaderError(
            f"{str(probe.path)!r} is a folder",
            fix="name the files in it, for example with a pattern: FOLDER/*.xy",
            path=probe.path,
        )
    patterns = sorted({p for r in registry.all(Reader) for p in r.patterns})
    failed = [f"plugin {f.name!r} failed to load" for f in registry.failed]
    because = "; ".join([*faults, *failed])
    if asked and not faults:
        raise _declined(registry, probe, asked, because)
    raise AmbiguousReaderError(
        f"no reader knows {probe.path.name!r}" + (f" ({because})" if because else ""),
        fix=(
            f"{_beside(registry, probe.path)}readers look at "
            f"{', '.join(patterns) or 'nothing: no plugin is installed'}; "
            "name one with --reader KEY, or install the plugin for this format"
        ),
        path=probe.path,
    )


def _declined(
    registry: Registry, probe: FileProbe, asked: list[str], because: str
) -> AmbiguousReaderError:
    """The name fits, the beginning does not: say of whom, and what each of many is for."""
    what = (
        f"{probe.path.name!r} is not what its name says: {', '.join(asked)} looked at its "
        "beginning and declined" + (f" ({because})" if because else "")
    )
    fix = f"to hear why, name one: --reader {asked[0]}"
    if len(asked) > FEW:
        what = f"{probe.path.name!r} holds nothing that a reader of such names knows"
        what += f" ({because})" if because else ""
        said = (f"{key} ({registry.get(Reader, key).title})" for key in asked)
        fix = f"if it is one of these, --reader KEY says what it misses: {'; '.join(said)}"
    error = AmbiguousReaderError(what, fix=fix, path=probe.path)
    error.declined = tuple(asked)
    return error


def _beside(registry: Registry, path: Path) -> str:
    """Return how a file is given that is no measurement: a companion of one, or a reference."""
    suffix = path.suffix.lower()
    if suffix == ".cif":
        return "register a reference cell with 'consilience reference FILE'; "
    helps = [(role, said) for r in registry.all(Reader) for role, said in r.companions.items()]
    roles = {
        role for role, said in helps if suffix and suffix in re.findall(r"\.\w+", said.lower())
    }
    words = re.findall(r"[a-z]+", path.stem.lower())
    roles = roles or {role for role, _ in helps if role in words}  # gain_1.txt
    return "".join(
        f"give it beside the file it belongs to, as --with {role}=FILE; " for role in sorted(roles)
    )
