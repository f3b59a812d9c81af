"""Check and index .ato of the Rouen group: versions 3 and 5.

What is documented of these files contradicts itself: version 3 is said to be big-endian [1]_,
while the files that are shared are little-endian [2]_, and the unit of the lateral positions
of version 5 is disputed.  So only positions and masses are taken, and the byte order is what
makes them plausible.

References
----------
.. [1] D. J. Larson et al., Local Electrode Atom Probe Tomography, Springer 2013,
   doi:10.1007/978-1-4614-8721-0, appendix A, table A.5.
.. [2] ifes_apt_tc_data_modeling, module ``ato``, and doi:10.5281/zenodo.8382828.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from consilience.errors import BadFileError
from consilience.model.measurement import Notice, Signal
from consilience_apt.files.checking import TURNED, look
from consilience_apt.files.layout import Field, FileSource, Layout
from consilience_apt.files.signals import Request, ions_signal, whole_records

__all__ = ["ato_layout", "read_ato"]


@dataclass(frozen=True)
class _Version:
    """Header and record in bytes, and type, place and factor to nm or Da of the columns."""

    header: int
    record: int
    fields: Mapping[str, tuple[str, int, float]]


VERSIONS = {
    3: _Version(
        8,
        56,
        {
            "x": ("f4", 0, 0.1),
            "y": ("f4", 4, 0.1),
            "z": ("f4", 8, 0.1),
            "mass_to_charge": ("f4", 12, 1.0),
        },
    ),
    5: _Version(
        5000,
        40,
        {
            "x": ("i2", 0, 0.01),
            "y": ("i2", 2, 0.01),
            "z": ("f4", 4, 0.1),
            "mass_to_charge": ("f4", 8, 1.0),
        },
    ),
}


def ato_layout(version: int, ions: int, order: str = "<") -> Layout:
    """Return where the columns of an .ato of that version are."""
    form = VERSIONS[version]
    return Layout(
        ions,
        {
            name: Field(form.header, form.record, at, order + dtype, scale)
            for name, (dtype, at, scale) in form.fields.items()
        },
    )


def read_ato(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return the ions of an .ato as one lazy signal.

    Parameters
    ----------
    path : Path
    options : mapping
        ``salvage`` and ``join_ranges``, as for `consilience_apt.files.reading.read_pos`.
    companions : mapping
        ``ranges``.

    Returns
    -------
    list of Signal
        One; ``x``, ``y``, ``z`` (nm) and ``mass_to_charge`` (Da) over ``ion``.

    Raises
    ------
    BadFileError
        Another version; cut; NaN or infinity; implausible in both byte orders.
    BadInputError
        An option makes no sense.
    """
    request = Request.of(options, companions)
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
    if len(head) < 8:
        raise BadFileError(
            f"{path.name!r} holds no ion ({size} bytes, its header takes 8)",
            fix="copy it again from the instrument; nothing was registered",
            path=path,
            offset=len(head),
        )
    little, big = (struct.unpack_from(f"{order}I", head, 4)[0] for order in "<>")
    version = little if little in VERSIONS else big
    if version not in VERSIONS:
        raise BadFileError(
            f"{path.name!r} is an .ato of version {min(little, big)}; 3 and 5 can be read",
            fix="export it as .epos or .pos",
            path=path,
            offset=4,
        )
    form = VERSIONS[version]
    ions, rest, notices = whole_records(path, form.header, form.record, salvage=request.salvage)
    order = _order(path, version, ions)
    if order == ">":
        notices.append(
            Notice(
                code="big-endian",
                message="the numbers are plausible as big-endian alone, and were read so",
                fix="compare a composition with that of another export",
                severity="info",
            )
        )
    if version == 5:
        notices.append(
            Notice(
                code="lateral-unit-disputed",
                message="sources disagree on the unit of x and y in version 5; hundredths of a nm "
                "were taken",
                fix="compare the needle's width with the reconstruction; export it as .epos",
            )
        )
    return [
        ions_signal(
            path,
            FileSource(path, ato_layout(version, ions, order)),
            request,
            place=lambda ion: form.header + ion * form.record,
            what=f"an .ato of version {version}",
            raw={
                "bytes": size,
                "version": version,
                "byte_order": "little" if order == "<" else "big",
                "bytes_left_over": rest,
            },
            notices=notices,
            origin="measured",
        )
    ]


def _order(path: Path, version: int, ions: int) -> str:
    """Little-endian, unless only big-endian makes sense of the first ions."""
    for order in "<>":
        seen = look(FileSource(path, ato_layout(version, ions, order)), stop=TURNED)
        if seen.bad <= 0.01 * seen.ions and seen.high["mass_to_charge"] > 0.5:
            return order
    return "<"
