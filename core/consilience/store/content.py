"""Which stored objects a record rests on, found from its body.

A body names objects by their SHA-256, wherever it likes; a hash that the store knows
becomes an entry of the record's `content`, so that `verify` needs no knowledge of
any body.  JSON objects are looked into as well.  A link is named
``link:<sha256>:<size>:<path>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from consilience.store.files import Files, StoredFile
from consilience.store.layout import Layout

__all__ = ["link_ref", "rests_on"]

_HASH = re.compile(r"[0-9a-f]{64}\Z")


def link_ref(file: StoredFile) -> str:
    """Return the entry for a file that was left in place."""
    return f"link:{file.sha256}:{file.size}:{file.linked_path}"


def rests_on(
    body: Any, layout: Layout, files: Files, links: Mapping[str, set[str]]
) -> tuple[str, ...]:
    """Return the sorted `content` of a record.

    Parameters
    ----------
    body : dict
        The record's body.
    layout, files
        The store.
    links : mapping of str to set of str
        SHA-256 to `link_ref` of the linked files that are known.

    Raises
    ------
    NotFoundError
        The body holds a `StoredFile` that is not in the store.
    """
    found, seen, queue = set[str](), set[str](), [body]
    while queue:
        for item in _strings_and_files(queue.pop()):
            if isinstance(item, StoredFile):
                if item.linked_path is not None:
                    found.add(link_ref(item))
                    continue
                files.open_path(item)
            sha256 = item.sha256 if isinstance(item, StoredFile) else item
            if sha256 in seen or not _HASH.match(sha256):
                continue
            seen.add(sha256)
            found.update(links.get(sha256, ()))
            if layout.raw_object(sha256).exists():
                found.add(f"raw:{sha256}")
            if layout.json_object(sha256).exists():
                found.add(f"json:{sha256}")
                queue.append(files.get_json(sha256))
            if layout.array(sha256).exists():
                found.add(f"array:{sha256}")
    return tuple(sorted(found))


def _strings_and_files(value: Any) -> Iterator[str | StoredFile]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            if item.keys() == {"name", "size", "sha256", "linked_path"}:
                yield StoredFile.from_dict(item)
                continue
            yield from (key for key in item if isinstance(key, str))
            stack.extend(item.values())
        elif isinstance(item, list | tuple):
            stack.extend(item)
