"""The readers that the plugin declares; imports none of them."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from consilience.declarations import Reader, Ref
from consilience.options import BEAM_OPTION

__all__ = ["READERS"]

READERS = (
    Reader(
        "eels.msa",
        ("eels", "edx"),
        ("*.msa", "*.ems", "*.emsa"),
        probe=Ref("consilience_eels.files.probe:probe_msa"),
        read=Ref("consilience_eels.files.reading:read_msa"),
        options={
            "signal": "ELS or EDS: what the spectrum is, where the file names no type",
            "energy_unit": "eV or keV: unit of the energy axis, where the file names none",
            **BEAM_OPTION,
        },
        title="EMSA/MAS spectrum (.msa), through rosettasciio",
    ),
    Reader(
        "eels.microscope",
        ("eels", "edx", "stem"),
        ("*.dm3", "*.dm4", "*.emd", "*.bcf", "*.hspy", "*.zspy"),
        probe=Ref("consilience_eels.files.probe:probe_microscope"),
        read=Ref("consilience_eels.files.microscope_files:read_microscope"),
        open=Ref("consilience_eels.files.lazy:open_microscope"),
        options={
            "signal": "EELS or EDX: what spectra are that the file gives no type",
            "energy_unit": "eV or keV: unit of the energy axis, where the file names none",
            **BEAM_OPTION,
        },
        title="DigitalMicrograph, Velox, Bruker and HyperSpy files, through rosettasciio",
    ),
    Reader(
        "eels.diffraction",
        ("ediff",),
        ("*.blo", "*.mib"),
        probe=Ref("consilience_eels.files.probe_diffraction:probe_diffraction"),
        read=Ref("consilience_eels.files.diffraction_files:read_diffraction"),
        options={
            "camera_length": "m, where the file has none or a wrong one",
            "k_step": "1/nm for each pixel of a pattern; overrides the camera length",
            **BEAM_OPTION,
        },
        title="NanoMegas block files and Merlin frames, through rosettasciio",
    ),
)
