"""The readers that the plugin declares; imports none of them."""

from __future__ import annotations

from consilience.declarations import Reader, Ref

FILES = "consilience_compton.files"
AXIS_OPTIONS = {
    "bin_unit": "unit of the bins, where the file states none: keV, or adu of the converter",
    "bin_marks": "what the file's bins are: lower edges (lower, the default) or centre",
    "table_order": "of the tables: image (the default, as the software applies them) or modules",
}
SETTING_OPTIONS = {
    "incident_energy": "energy of the incident photons, keV",
    "scattering_angle": "at the middle of the detector, deg",
    "distance": "from the sample, or the pinhole, to the detector, mm",
    "pixel_pitch": "from pixel to pixel, um",
    "live_time": "counting time without dead time, s",
    "monitor": "incident photons, in any unit",
    "angle_direction": "along which the angle grows: +row, -row, +column or -column",
}
TABLES = {
    "gain": "text, keV per adu for each pixel, for bins in adu",
    "intercept": "text, keV at 0 adu for each pixel, for bins in adu",
    "scale": "each pixel's own scale, as exported by compton.calibration, for bins in keV",
}

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
        options={
            "bin_width": "makes spectra of single hits: keV with both tables, adu without",
            "threshold": "what is above it is a hit, in the unit of bin_width",
            "bin_end": "end of the last bin (200 keV or 8000 adu)",
            "neighbours": "pixels around a hit in which another makes it shared (1)",
            "table_order": AXIS_OPTIONS["table_order"],
        },
        title="raw frames of a HEXITEC detector (HDF5)",
    ),
    Reader(
        "compton.ct_tiff",
        ("xct",),
        ("*.tif", "*.tiff"),
        probe=Ref("consilience_compton.files.ct_probe:probe_ct_tiff"),
        read=Ref("consilience_compton.files.ct_tiff:read_ct_tiff"),
        open=Ref("consilience_compton.files.ct_tiff:open_ct_tiff"),
        linked=Ref("consilience_compton.files.ct_tiff:linked_slices"),
        options={
            "voxel_um": "voxel size in um: one number, or z,y,x as in 3.25,3.25,3.25",
            "kind": "labels (a segmented volume) or grey",
        },
        title="CT volume in TIFF: many pages, or one of the slices of a folder",
    ),
    Reader(
        "compton.ct_hdf5",
        ("xct",),
        ("*.h5", "*.hdf5", "*.nxs"),
        probe=Ref("consilience_compton.files.ct_probe:probe_ct_hdf5"),
        read=Ref("consilience_compton.files.ct_hdf5:read_ct_hdf5"),
        open=Ref("consilience_compton.files.ct_hdf5:open_ct_hdf5"),
        linked=Ref("consilience.hdf5_files:linked_files"),
        options={
            "voxel_um": "voxel size in um: one number, or z,y,x as in 3.25,3.25,3.25",
            "kind": "labels (a segmented volume) or grey",
            "dataset": "path of the volume in the file, where there are several",
        },
        title="CT volume or projections in HDF5 or NeXus",
    ),
    Reader(
        "compton.hxt",
        ("compton",),
        ("*.hxt",),
        probe=Ref(f"{FILES}.probe:probe_hxt"),
        read=Ref(f"{FILES}.hxt:read_hxt"),
        open=Ref(f"{FILES}.hxt:open_hxt"),
        options={**AXIS_OPTIONS, **SETTING_OPTIONS},
        companions=TABLES,
        title="spectra of a HEXITEC detector (.hxt version 3)",
    ),
    Reader(
        "compton.spectra",
        ("compton",),
        ("*.h5", "*.hdf5", "*.nxs"),
        probe=Ref(f"{FILES}.probe:probe_binned"),
        read=Ref(f"{FILES}.binned:read_binned"),
        open=Ref(f"{FILES}.binned:open_binned"),
        options={
            **AXIS_OPTIONS,
            **SETTING_OPTIONS,
            "part": "which of several parts of pixel_spectra, from 0",
        },
        companions=TABLES,
        title="spectra of a HEXITEC detector (HDF5 of its acquisition software)",
    ),
    Reader(
        "compton.packets",
        ("compton",),
        ("*.dat",),
        probe=Ref(f"{FILES}.probe:probe_packets"),
        read=Ref(f"{FILES}.packets:read_packets"),
        companions={"offsets": "binary table of offsets of one module, where samples lack them"},
        title="packets of a single HEXITEC module",
    ),
    Reader(
        "compton.offsets",
        ("compton",),
        ("*.dat",),
        probe=Ref(f"{FILES}.probe:probe_offsets"),
        read=Ref(f"{FILES}.packets:read_offsets"),
        title="table of offsets of a single HEXITEC module",
    ),
)
