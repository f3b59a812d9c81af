"""Read what RosettaSciIO opens: DigitalMicrograph, Velox, Bruker's maps, HyperSpy's own files."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Notice, Signal
from consilience.options import choice_option
from consilience.sizes import sized
from consilience_eels.files.bridge import from_hyperspy, modality_of
from consilience_eels.files.checks import check_stored
from consilience_eels.files.lazy import LAZY_BYTES
from consilience_eels.files.places import Found, find_place, largest_dataset
from consilience_eels.files.probe import MAGIC
from consilience_eels.files.safety import refuse_unsafe
from consilience_eels.library import load_signals

__all__ = ["read_microscope"]

BCF_FIRST = 0x118
"""Where the first chunk of Bruker's container begins."""

BCF_HEAD = 0x150
"""Bytes until the number of chunks has been read."""

GIVEN = {"EELS": "eels", "EDX": "edx"}


@sized
def read_microscope(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return one signal for each spectrum, spectrum image and image of the file.

    Parameters
    ----------
    path : Path
        dm3, dm4, emd, bcf, hspy, or zspy in one zip file.
    options : mapping
        ``signal`` (EELS, EDX): what spectra are that the file gives no type; ``energy_unit``
        (eV, keV) of axes that name none.
    companions : mapping
        None are taken.

    Returns
    -------
    list of Signal
        Data in the file's own type; lengths in nm, energy loss in eV, X-ray energy in keV.
        Arrays of 64 MiB and more stay in the file where it is dm3, dm4, hspy or emd.
        What cannot be taken is named in a notice of the first signal.

    Raises
    ------
    BadFileError
        Damaged, unsafe, or without any signal that can be taken.
    BadInputError
        An option makes no sense.
    """
    if companions:
        raise BadInputError(
            f"these files take no companion file, got {', '.join(companions)}", fix="leave it out"
        )
    given = choice_option(options, "signal", tuple(GIVEN))
    unit = choice_option(options, "energy_unit", ("eV", "keV"))
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        begins = file.read(16)
    if not begins.startswith(MAGIC.get(suffix, ())) or suffix not in MAGIC:
        raise BadFileError(
            f"{path.name!r} does not begin as a file of its suffix does",
            fix="name another reader with --reader KEY, or copy the file again",
            path=path,
            offset=0,
        )
    if suffix in (".hspy", ".zspy", ".emd"):
        refuse_unsafe(path)
    if suffix == ".bcf":
        _refuse_cut(path)
    large = _large(path)
    loaded, heard = load_signals(path, lazy=large)
    names = _names(loaded)
    shared = _same_scan(loaded, names)
    signals: list[Signal] = []
    left_out: list[str] = []
    for i, (one, name) in enumerate(zip(loaded, names, strict=True)):
        modality = modality_of(one)
        if modality is None and given and one.axes_manager.signal_dimension == 1:
            modality = GIVEN[given]
        if unit and modality in GIVEN.values():
            axis = one.axes_manager.signal_axes[0]
            axis.units = axis.units if isinstance(axis.units, str) and axis.units else unit
        try:
            found = _stored(path, one) if large else None
            made = from_hyperspy(one, name=name, modality=modality, same_as=shared[i], stored=found)
            if found is not None:
                made.notices.extend(check_stored(made, found))
            signals.append(made)
        except BadFileError as error:
            left_out.append(error.what)
    if not signals:
        raise BadFileError(
            f"{path.name!r} holds nothing that can be taken: {'; '.join(left_out) or 'no signal'}",
            fix="say --option signal=EELS or signal=EDX for spectra without a type; export others "
            "from the program that wrote them",
            path=path,
        )
    signals[0].notices.extend(_notices(left_out, heard))
    return signals


def _large(path: Path) -> bool:
    """Whether the file holds an array that had better stay there."""
    suffix = path.suffix.lower()
    if suffix in (".dm3", ".dm4"):
        return path.stat().st_size >= LAZY_BYTES
    return suffix in (".hspy", ".emd") and largest_dataset(path) >= LAZY_BYTES


def _stored(path: Path, one: Any) -> Found | None:
    """Where the array lies if it is large; others are taken into memory."""
    if one.data.nbytes >= LAZY_BYTES:
        found = find_place(path, one)
        if found is not None:
            return found
    one.compute(show_progressbar=False, close_file=False)
    return None


def _refuse_cut(path: Path) -> None:
    """A map that is cut off is read by the library without a word, its end empty."""
    with path.open("rb") as file:
        head = file.read(BCF_HEAD)
    if len(head) == BCF_HEAD:
        (chunk,) = struct.unpack_from("<I", head, 0x128)
        (number,) = struct.unpack_from("<Q", head, 0x148)
        wanted = BCF_FIRST + chunk * number
        if path.stat().st_size == wanted:
            return
        said = f"{path.stat().st_size} bytes where its table says {wanted}"
    else:
        said = f"{len(head)} bytes, less than its head"
    raise BadFileError(
        f"{path.name!r} has {said}: it is cut off, or damaged",
        fix="copy it again from the microscope",
        path=path,
        offset=min(path.stat().st_size, 0x128),
    )


def _notices(left_out: list[str], heard: list[str]) -> list[Notice]:
    return [
        *(Notice(code="signal-left-out", message=text) for text in left_out),
        *(Notice(code="library-warning", message=text, severity="info") for text in heard),
    ]


def _names(loaded: list[Any]) -> list[str]:
    """Return titles, numbered where several signals share one."""
    titles = []
    for one in loaded:
        title = str(one.metadata.get_item("General.title", "") or "")
        line = "".join(c for c in " ".join(title.split()) if c.isprintable())
        titles.append(line or "signal")
    count = Counter(titles)
    used: Counter[str] = Counter()
    names: list[str] = []
    for title in titles:
        used[title] += 1
        name = title if count[title] == 1 else f"{title} {used[title]}"
        while name in names:
            name += "'"
        names.append(name)
    return names


def _same_scan(loaded: list[Any], names: list[str]) -> list[str | None]:
    """Return, for each signal, an earlier one with the same number of pixels both ways."""
    first: dict[tuple[int, ...], str] = {}
    shared: list[str | None] = []
    for one, name in zip(loaded, names, strict=True):
        axes = one.axes_manager
        image = axes.signal_dimension == 2
        shape = axes.signal_shape if image else axes.navigation_shape
        earlier = first.get(tuple(shape)) if len(shape) == 2 else None
        if len(shape) == 2:
            first.setdefault(tuple(shape), name)
        shared.append(earlier)
    return shared
