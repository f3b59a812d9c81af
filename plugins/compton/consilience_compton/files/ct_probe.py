"""Is this a volume of computed tomography?  Looks at the head alone and imports nothing heavy."""

from __future__ import annotations

import re
import struct

from consilience.declarations import Claim, FileProbe

__all__ = ["probe_ct_hdf5", "probe_ct_tiff"]

_SHAPED = re.compile(rb'"shape":\s*\[\s*\d+\s*,\s*\d+\s*,\s*\d+\s*\]')
_IMAGEJ = re.compile(rb"ImageJ=[^\x00]*?\n(?:images|slices)=(\d+)")
_OME = re.compile(rb'SizeZ="(\d+)"')
_ENTRIES = 512


def probe_ct_tiff(probe: FileProbe) -> Claim:
    """Say YES to a TIFF whose head shows that it holds more than one page.

    The head of 4096 bytes holds the first directory where the writer put it first (ImageJ,
    tifffile).  Others, and slices in files of their own, are read with
    ``--reader compton.ct_tiff``.
    """
    head = probe.head
    if head[:4] not in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return Claim.NO
    many = [int(found) for found in (*_IMAGEJ.findall(head), *_OME.findall(head))]
    if _SHAPED.search(head) or any(n > 1 for n in many):
        return Claim.YES
    return Claim.YES if _has_second_page(head) else Claim.NO


def _has_second_page(head: bytes) -> bool:
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\x00", b"\x00+")
    offset_form, count_form, entry = ("Q", "Q", 20) if big else ("I", "H", 12)
    try:
        (first,) = struct.unpack_from(order + offset_form, head, 8 if big else 4)
        (entries,) = struct.unpack_from(order + count_form, head, first)
        if not 0 < entries <= _ENTRIES:
            return False
        end = first + struct.calcsize(count_form) + entry * entries
        (following,) = struct.unpack_from(order + offset_form, head, end)
    except struct.error:  # the directory lies behind the head
        return False
    return bool(following)


def probe_ct_hdf5(probe: FileProbe) -> Claim:
    """Say YES to HDF5 whose head speaks of tomography or names a voxel size.

    Where it does not, ``--reader compton.ct_hdf5`` reads the file.
    """
    if not probe.head.startswith(b"\x89HDF\r\n\x1a\n"):
        return Claim.NO
    words = (b"NXtomo", b"tomo_entry", b"image_key", b"voxel_size", b"element_size_um")
    return Claim.YES if any(word in probe.head for word in words) else Claim.NO
