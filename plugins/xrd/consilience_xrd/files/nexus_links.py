"""Foreign HDF5, looked at with care; the same for all techniques."""

from __future__ import annotations

from consilience.hdf5_files import (
    check_dataset,
    children,
    damaged,
    linked_files,
    open_hdf5,
    source_files,
)

__all__ = [
    "check_dataset",
    "children",
    "damaged",
    "linked_files",
    "open_hdf5",
    "source_files",
]
