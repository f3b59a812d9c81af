"""The readers and checks that the plugin declares; imports none of them."""

from __future__ import annotations

from consilience.declarations import Check, Reader, Ref

__all__ = ["CHECKS", "READERS"]

READERS = (
    Reader(
        "xrf.mca",
        ("xrf",),
        ("*.mca",),
        probe=Ref("consilience_xrf.files.probe:probe_mca"),
        read=Ref("consilience_xrf.files.mca:read_mca"),
        options={
            "zero": "energy of channel 0 in keV; with 'gain' it makes the energy axis",
            "gain": "keV a channel; with 'zero' it makes the energy axis",
            "energy_unit": "keV or eV: unit of the file's own calibration, if it names none",
        },
        title="one spectrum as a column of counts (plain .mca)",
    ),
)

CHECKS = (
    Check(
        "xrf.spectrum", "xrf", Ref("consilience_xrf.files.checks:check_spectrum"), "sane spectrum"
    ),
)
