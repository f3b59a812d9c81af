"""Is this file ours?  Looks at the head alone and imports nothing heavy."""

from __future__ import annotations

import re

from consilience.declarations import Claim, FileProbe

__all__ = ["probe_image", "probe_nexus", "probe_text", "probe_xrdml"]

_NUMBER = rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_ROW = re.compile(rb"^[ \t]*" + _NUMBER + rb"(?:[ \t]*[,;\t ][ \t]*" + _NUMBER + rb")+[ \t,;]*\r?$")
_AXIS = re.compile(rb"2[ \t]*-?theta|2th|two[_ -]?theta|\xce\xb8|\bq\b|q_(?:A|nm)", re.IGNORECASE)
_COMMENT = (b"#", b"!", b"%", b";", b"'", b"/")


def probe_text(probe: FileProbe) -> Claim:
    """Rows of two or more numbers, after comments and at most a few lines of headings."""
    head = probe.head.removeprefix(b"\xef\xbb\xbf")
    if not head.strip() or b"\x00" in head:
        return Claim.NO
    lines = head.splitlines()
    if len(probe.head) >= 4096 and len(lines) > 1:
        lines = lines[:-1]  # cut by the end of the head
    lines = [line for line in lines if line.strip()]
    plain = [line for line in lines if not line.lstrip().startswith(_COMMENT)]
    rows = [line for line in plain if _ROW.match(line)]
    headings = next((i for i, line in enumerate(plain) if _ROW.match(line)), len(plain))
    if headings > 3:
        return Claim.NO
    if len(plain) == 0:
        # a header longer than the head
        return Claim.MAYBE if probe.suffix != ".csv" and _AXIS.search(head) else Claim.NO
    if len(rows) < 0.7 * (len(plain) - headings) or not rows:
        return Claim.NO
    words = b"\n".join(line for line in lines if line not in rows)
    if probe.suffix in (".xy", ".xye") or _AXIS.search(words):
        return Claim.YES
    return Claim.MAYBE


def probe_xrdml(probe: FileProbe) -> Claim:
    """The root element in the head."""
    return Claim.YES if b"<xrdMeasurements" in probe.head else Claim.NO


def probe_nexus(probe: FileProbe) -> Claim:
    """HDF5; sure only where the head names a definition of powder diffraction."""
    if not probe.head.startswith(b"\x89HDF\r\n\x1a\n"):
        return Claim.NO
    if any(word in probe.head for word in (b"NXxrd", b"NXmonopd", b"NXazint")):
        return Claim.YES
    if probe.suffix in (".h5", ".hdf5"):
        return Claim.MAYBE if b"NX_class" in probe.head else Claim.NO
    return Claim.MAYBE


def probe_image(probe: FileProbe) -> Claim:
    """TIFF, EDF or CBF; a TIFF may be anything."""
    head = probe.head
    if head.startswith((b"II*\x00", b"MM\x00*")):
        return Claim.MAYBE
    if probe.suffix == ".cbf":
        return Claim.YES if head.startswith(b"###CBF") else Claim.NO
    if probe.suffix == ".edf":
        return Claim.YES if head.lstrip().startswith(b"{") and b"Dim_1" in head else Claim.NO
    return Claim.NO
