"""The XRF plugin keeps the contract."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from xrf_files import (
    spectra,
    write_aps,
    write_cube,
    write_diamond,
    write_pymca,
    write_spe,
    write_spec,
)

from consilience.testing import PluginContract, SampleFile

PARAMS: dict[str, Mapping[str, object]] = {
    "xrf.roi": {"elements": ["Pt", "Fe"]},
    "xrf.density": {"photons": 1e8, "solid_angle": 0.1},
    "xrf.sensitivity": {"standard": {"Pt": {"mass": 214.5}}},
    "xrf.density_of_spectra": {"photons": 1e8, "solid_angle": 0.1},
    "xrf.change_of_spectra": {
        "line": "Pt_L",
        "states": [f"{i}: entry1.fluo_entry.data.data" for i in (2, 3)],
    },
    "xrf.sensitivity_of_spectra": {"standard": {"Pt": {"mass": 214.5}}},
}


MADE: list[tuple[str, bytes, str]] = []
"""Name, content and reader of the simulated files: made once, as every test asks for them."""


def _scans(tmp_path: Path) -> list[SampleFile]:
    """Small scans of the simulated film: spectra, and maps of three states."""
    folder = tmp_path / "scans"
    folder.mkdir()
    if not MADE:
        MADE.extend((p.name, p.read_bytes(), reader) for p, reader in _simulated(folder))
    samples, makes = [], set()
    for name, content, reader in MADE:
        (folder / name).write_bytes(content)
        make = reader, name.endswith("-maps.nxs")
        samples.append(SampleFile(folder / name, reader, damage=make not in makes))
        makes.add(make)
    return samples


def _simulated(folder: Path) -> list[tuple[Path, str]]:
    from consilience_xrf.simulation.forward import Beamline
    from consilience_xrf.simulation.lines import LineParams, simulate_lines
    from consilience_xrf.simulation.maps import (
        FIFTY_CYCLES,
        ScanParams,
        SeriesParams,
        run_scan,
        run_series,
    )
    from consilience_xrf.simulation.scene import Grid
    from consilience_xrf.simulation.states import Setting

    beam = Beamline(channels=512, gain=0.04)
    scan = ScanParams(setting=Setting(grid=Grid(rows=7, columns=9, step=0.8), beamline=beam))
    states = (FIFTY_CYCLES[0], FIFTY_CYCLES[2], FIFTY_CYCLES[5])
    series = SeriesParams(setting=Setting(grid=Grid(rows=14, columns=19, step=0.4)), states=states)
    cube, *_ = run_scan(scan, 5, folder)
    later = scan.model_copy(update={"state": FIFTY_CYCLES[5], "what": "cube"})
    changed, _ = run_scan(later, 7, folder)
    *maps, _ = run_series(series, 6, folder)
    return [
        (simulate_lines(LineParams(), 4, folder)[0], "xrf.mca"),
        *((path, "xrf.nexus") for path in (cube, changed, *maps)),
    ]


def _list_of_points(tmp_path: Path) -> Path:
    y, x = (p.ravel()[:10] for p in np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij"))
    places = {"y": y, "x": x}
    return write_cube(tmp_path / "list.nxs", spectra((10,), 64), [".", "energy"], places)


@pytest.mark.xdist_group("xrf-contract")  # one process runs each analysis once
class TestContract(PluginContract):
    plugin = "xrf"

    def sample_files(self, tmp_path: Path) -> list[SampleFile]:
        plain = tmp_path / "plain.mca"
        counts = "\n".join(str(i % 7) for i in range(128))
        plain.write_text(f"# Origin: simulated\n{counts}\n", encoding="ascii")
        return [
            *_scans(tmp_path),
            SampleFile(plain, "xrf.mca", {"zero": "-0.5", "gain": "0.005"}),
            SampleFile(write_aps(tmp_path / "maps.h5", unit="cts"), "xrf.aps"),
            SampleFile(write_pymca(tmp_path / "fit.h5"), "xrf.pymca"),
            SampleFile(write_spec(tmp_path / "mesh.spec"), "xrf.spec"),
            SampleFile(write_spe(tmp_path / "one.spe"), "xrf.spe"),
            SampleFile(_list_of_points(tmp_path), "xrf.nexus"),
            SampleFile(write_diamond(tmp_path / "i14-1-xrf_windows.nxs"), "xrf.processed"),
        ]

    def analysis_params(self, key: str) -> Mapping[str, object]:
        return PARAMS.get(key, {})
