"""The readers that the plugin declares; imports none of them."""

from __future__ import annotations

from consilience.declarations import Reader, Ref

__all__ = ["READERS"]

READERS = (
    Reader(
        "compton.hexitec",
        ("compton",),
        ("*.h5", "*.hdf5"),
        probe=Ref("consilience_compton.files.probe:probe_hexitec"),
        read=Ref("consilience_compton.files.frames:read_hexitec"),
        open=Ref("consilience_compton.files.lazy:open_hexitec"),
        companions={
            "gain": "text, keV per adu for each pixel, 80 x 80 values for each module",
            "intercept": "text, keV at 0 adu for each pixel, 80 x 80 values for each module",
        },
        title="raw frames of a HEXITEC detector (HDF5)",
    ),
)
