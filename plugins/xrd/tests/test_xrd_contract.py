"""The XRD plugin keeps the contract."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from consilience.testing import PluginContract, SampleFile


def write_xrdml(path: Path) -> Path:
    x = np.linspace(20.0, 40.0, 120)
    counts = 50 + 900 * np.exp(-0.5 * ((x - 31.0) / 0.4) ** 2)
    numbers = " ".join(str(int(c)) for c in counts)
    path.write_text(
        '<?xml version="1.0"?>\n'
        '<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/2.3">\n'
        "<comment><entry>origin: simulated</entry></comment>\n"
        '<xrdMeasurement measurementType="Scan" sampleMode="Reflection">\n'
        '<usedWavelength><kAlpha1 unit="Angstrom">1.5405980</kAlpha1>'
        '<kAlpha2 unit="Angstrom">1.5444260</kAlpha2>'
        "<ratioKAlpha2KAlpha1>0.5</ratioKAlpha2KAlpha1></usedWavelength>\n"
        '<scan scanAxis="Gonio" status="Completed"><dataPoints>'
        '<positions axis="2Theta" unit="deg"><startPosition>20.0</startPosition>'
        "<endPosition>40.0</endPosition></positions>"
        "<commonCountingTime>1.0</commonCountingTime>"
        f'<counts unit="counts">{numbers}</counts>'
        "</dataPoints></scan></xrdMeasurement></xrdMeasurements>\n",
        encoding="utf-8",
    )
    return path


def write_nexus(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["definition"] = "NXmonopd"
        entry.attrs["origin"] = "simulated"
        mono = entry.create_group("instrument/monochromator")
        mono.attrs["NX_class"] = "NXmonochromator"
        mono["wavelength"] = 0.6888
        mono["wavelength"].attrs["units"] = "angstrom"
        data = entry.create_group("data")
        data.attrs["NX_class"] = "NXdata"
        data.attrs["signal"] = "data"
        data.attrs["axes"] = ["y", "x", "q"]
        q = np.linspace(1.0, 4.0, 60)
        data["data"] = np.ones((2, 3, 60)) + np.exp(-0.5 * ((q - 2.774) / 0.05) ** 2) * 50
        data["q"] = q
        data["q"].attrs["units"] = np.array([b"1/angstrom"])
        data["x"] = np.arange(3.0)
        data["x"].attrs["units"] = "um"
        data["y"] = np.arange(2.0)
        data["y"].attrs["units"] = b"um"
    return path


def write_frame(folder: Path) -> tuple[Path, Path]:
    import fabio.edfimage

    y, x = np.indices((64, 64))
    radius = np.hypot(x - 32, y - 32)
    image = (10 + 200 * np.exp(-0.5 * ((radius - 18) / 1.5) ** 2)).astype(np.int32)
    path = folder / "frame.edf"
    fabio.edfimage.EdfImage(data=image, header={"origin": "simulated"}).write(str(path))
    poni = folder / "frame.poni"
    poni.write_text(
        "# simulated geometry\nponi_version: 2.1\nDetector: Detector\nDetector_config: "
        + json.dumps({"pixel1": 0.0002, "pixel2": 0.0002, "max_shape": [64, 64], "orientation": 3})
        + "\nDistance: 0.05\nPoni1: 0.0064\nPoni2: 0.0064\nRot1: 0.0\nRot2: 0.0\nRot3: 0.0\n"
        "Wavelength: 6.888e-11\n",
        encoding="utf-8",
    )
    return path, poni


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("xrd-contract")  # one process runs each analysis once
class TestContract(PluginContract):
    plugin = "xrd"
    claims = ("hdf5", "tiff")

    def sample_files(self, tmp_path: Path) -> list[SampleFile]:
        from consilience_xrd.simulation.maps import MapParams
        from consilience_xrd.simulation.maps import run as run_map
        from consilience_xrd.simulation.powder import SimulationParams, run

        folder = tmp_path / "samples"
        folder.mkdir(exist_ok=True)
        pattern = run(SimulationParams(points=400, fwhm=0.3), 5, folder)[0]
        image, poni = write_frame(folder)
        cells = {"Pt": 800.0, "LiF": 500.0}
        scan = run_map(MapParams(rows=4, columns=6, points=400, phases=cells,
                                 places={"Pt": "left"}), 2, folder)[0]  # fmt: skip
        return [
            SampleFile(scan, "xrd.nexus"),
            SampleFile(pattern, "xrd.text"),
            SampleFile(write_xrdml(folder / "scan.xrdml"), "xrd.xrdml"),
            SampleFile(write_nexus(folder / "map.nxs"), "xrd.nexus"),
            SampleFile(image, "xrd.image", {"npt": "60"}, {"geometry": poni}),
            SampleFile(_listed(folder), "xrd.text", {"axis": "q", "unit": "1/angstrom"}),
        ]


def _listed(folder: Path) -> Path:
    path = folder / "plain.xy"
    q = np.linspace(1.0, 4.0, 80)
    y = 20 + 300 * np.exp(-0.5 * ((q - 2.774) / 0.06) ** 2)
    rows = "\n".join(f"{a:.5f} {b:.3f}" for a, b in zip(q, y, strict=True))
    path.write_text(f"# origin: simulated\n{rows}\n", encoding="utf-8")
    return path
