"""The readers and checks that the plugin declares; imports none of them."""

from __future__ import annotations

from consilience.declarations import Check, Reader, Ref
from consilience.options import BEAM_OPTION

__all__ = ["CHECKS", "READERS"]

ENERGY_OPTIONS = {
    "zero": "energy of channel 0 in keV; with 'gain' it makes the energy axis",
    "gain": "keV a channel; with 'zero' it makes the energy axis",
    "energy_unit": "keV or eV: unit of the file's own energies, if it names none",
    "energy_scale": "0.5 where the file's energies are twice the true ones",
    "incident_energy": "energy of the beam in keV, where the file states none or a wrong one",
    **BEAM_OPTION,
}

NEXUS_OPTIONS = {
    **ENERGY_OPTIONS,
    "positions": "first: of positions longer than the data take the first ones",
    "position_unit": "um or mm: unit of the positions, if the file names none",
    "detector": "number of one element of the detector from 0, or sum",
    "map_unit": "count, count/s, ug/cm^2 or 1: unit of maps, if the file names none",
}

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
            **BEAM_OPTION,
        },
        title="one spectrum as a column of counts (plain .mca)",
    ),
    Reader(
        "xrf.nexus",
        ("xrf", "xrf_map"),
        ("*.nxs", "*.nx", "*.nexus", "*.h5", "*.hdf5"),
        probe=Ref("consilience_xrf.files.probe:probe_nexus"),
        read=Ref("consilience_xrf.files.nexus:read_nexus"),
        open=Ref("consilience_xrf.files.cube:open_cube"),
        linked=Ref("consilience.hdf5_files:linked_files"),
        options=NEXUS_OPTIONS,
        title="NeXus: scans of spectra (NXfluo), and element maps made of them",
    ),
    Reader(
        "xrf.processed",
        ("xrf", "xrf_map"),
        ("*xrf*.nxs", "*fluo*.nxs", "*xsp3*.nxs", "*xspress3*.nxs"),
        probe=Ref("consilience_xrf.files.probe:probe_processed"),
        read=Ref("consilience_xrf.files.nexus:read_nexus"),
        open=Ref("consilience_xrf.files.cube:open_cube"),
        linked=Ref("consilience.hdf5_files:linked_files"),
        options=NEXUS_OPTIONS,
        title="processed NeXus whose name says fluorescence: element maps",
    ),
    Reader(
        "xrf.aps",
        ("xrf", "xrf_map"),
        ("*.h5", "*.h50", "*.hdf5"),
        probe=Ref("consilience_xrf.files.probe:probe_aps"),
        read=Ref("consilience_xrf.files.aps_maps:read_aps_maps"),
        open=Ref("consilience_xrf.files.cube:open_cube"),
        linked=Ref("consilience.hdf5_files:linked_files"),
        options={
            **ENERGY_OPTIONS,
            "method": "Fitted, NNLS or ROI: which maps; the first of these that is there",
            "monitor": "name of the scaler that is the monitor of the beam (us_ic)",
            "position_unit": "um or mm: unit of the positions, which the file does not name",
        },
        title="HDF5 of XRF-Maps (APS): element maps and spectra",
    ),
    Reader(
        "xrf.pymca",
        ("xrf_map",),
        ("*.h5", "*.hdf5", "*.nxs"),
        probe=Ref("consilience_xrf.files.probe:probe_pymca"),
        read=Ref("consilience_xrf.files.pymca_result:read_pymca"),
        linked=Ref("consilience.hdf5_files:linked_files"),
        options={
            "position_unit": "um or mm: unit of the positions, if the file names none",
            **BEAM_OPTION,
        },
        title="HDF5 of PyMca's batch fit: maps of areas with their errors",
    ),
    Reader(
        "xrf.spec",
        ("xrf",),
        ("*.spec", "*.mca", "*.dat", "*.spc", "*.spe"),
        probe=Ref("consilience_xrf.files.probe:probe_spec"),
        read=Ref("consilience_xrf.files.spec:read_spec"),
        options={
            **ENERGY_OPTIONS,
            "monitor": "name of the column that is the monitor of the beam",
            "position_unit": "um or mm: unit of the motors, which the file does not name",
        },
        title="SPEC scans with spectra (@A lines)",
    ),
    Reader(
        "xrf.spe",
        ("xrf",),
        ("*.spe",),
        probe=Ref("consilience_xrf.files.probe:probe_spe"),
        read=Ref("consilience_xrf.files.spe:read_spe"),
        options=ENERGY_OPTIONS,
        title="one spectrum in sections $DATA:, $MEAS_TIM: … (.spe)",
    ),
)

CHECKS = (
    Check(
        "xrf.spectrum", "xrf", Ref("consilience_xrf.files.checks:check_spectrum"), "sane spectrum"
    ),
)
