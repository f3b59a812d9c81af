"""The analyses of energy scale and drift on registered files, their answers, and their figures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure as MatplotlibFigure

from consilience import Study
from consilience.errors import BadFileError, BadInputError
from consilience.model.finding import Finding
from consilience.view import Figure, Table, ViewContext
from consilience_compton.drawing.calibration import calibration_view, drift_view
from consilience_compton.drawing.spectra import spectra_view
from consilience_compton.files.hxt import open_hxt, read_hxt
from consilience_compton.files.hxt_layout import write_hxt
from consilience_compton.files.tables import write_scale
from consilience_compton.findings.drift_run import _on_emr
from consilience_compton.model.profiles import broadened, ratio_of_windows
from consilience_compton.momentum.kinematics import momentum
from consilience_compton.simulation.spectra import simulate_cell
from consilience_compton.spectra import pixel_scale_of

SHAPE = 8
WORDS = "simulated;bins=keV;E1=115;angle=90;dist=100;pitch=2500;dir=+column"


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two states, the detector turned by 0.3 degrees; a dead row and a shifted pixel."""
    folder = tmp_path_factory.mktemp("cell")
    made = simulate_cell(
        seed=3,
        rows=SHAPE,
        columns=SHAPE,
        counts=2e4,
        drift=0.3,
        states=("pristine", "charged"),
        x=(1.0, 0.3),
    )
    with Study.create(folder / "study") as study:
        study.add_sample("cell")
        for state, all_regions in zip(made.states, made.counts, strict=True):
            counts = all_regions[2].copy()
            counts[5] = 0
            counts[2, 6] = np.roll(counts[2, 6], 4)
            path = write_hxt(folder / f"{state}.hxt", counts, made.edges[:-1], prefix=WORDS)
            study.add(path, "cell", state={"charge": state})
        bare = write_hxt(folder / "bare.hxt", made.counts[0, 2], made.edges[:-1])
        study.add_sample("no unit")
        study.add(bare, "no unit")
        study.analyse(["compton.calibration", "compton.drift"])
        yield study


def one(study: Study, kind: str, sample: str = "cell") -> list[Finding]:
    return list(study.findings(kind, sample))


def test_the_scale_is_found_right(cell: Study) -> None:
    for finding in one(cell, "energy_shift"):
        assert finding.value is not None
        assert finding.std is not None
        assert abs(finding.value) < 4 * finding.std
        assert finding.std < 0.01
        assert finding.origin == "simulated"
        parts = finding.evidence["std_sys_parts"]
        assert isinstance(parts, dict)
        assert set(parts) == {"straightness", "shape of the lines"}
        assert finding.array is not None
        maps = cell.store.open_dataset(finding.array)
        assert np.isnan(maps["scale"].values[5]).all()
        assert maps["correction_at_peak"].values[2, 6] == pytest.approx(-1.0, abs=0.1)


def test_bad_pixels_are_counted_by_cause(cell: Study) -> None:
    for finding in one(cell, "bad_pixels"):
        assert finding.value == SHAPE + 1
        assert finding.evidence["dead"] == SHAPE
        assert finding.evidence["shifted"] == 1
        assert finding.evidence["dead_rows"] == [5]


def test_resolution_by_lines(cell: Study) -> None:
    found = one(cell, "detector_resolution")
    assert len(found) == 6
    for finding in found:
        assert finding.value == pytest.approx(0.8, abs=0.03)


def test_a_turned_detector_is_told_from_its_electronics(cell: Study) -> None:
    (angle,) = one(cell, "angle_drift")
    assert angle.value == pytest.approx(0.3, abs=4 * float(angle.std_stat or 0))
    (peak,) = one(cell, "peak_shift")
    assert peak.value == pytest.approx(-0.09, abs=0.01)
    emr = peak.evidence["emr"]
    assert isinstance(emr, dict)
    assert float(str(emr["change_std"])) > 0
    assert peak.evidence["corrected"] is False
    assert angle.state == {"charge": "charged"}
    assert len(angle.measurements) == 2


def test_spectra_are_moved_back_only_when_asked(cell: Study) -> None:
    run = cell.analyse(["compton.drift"], samples=["cell"], params={"correct": True})
    assert not run.failures
    corrected = [f for f in one(cell, "peak_shift") if f.evidence["corrected"]]
    assert len(corrected) == 1
    assert corrected[0].array is not None
    data = cell.store.open_dataset(corrected[0].array)
    energy, counts = data["energy"].values, data["counts"].values[0]
    inside = np.abs(energy - 93.87) < 2.0
    first = next(m for m in cell.measurements() if m.id == corrected[0].measurements[0])
    reference = first.data["counts"].sum(("row", "column")).values
    middle = [np.average(energy[inside], weights=n[inside]) for n in (counts, reference)]
    assert middle[0] == pytest.approx(middle[1], abs=0.01)


def test_channels_are_not_observable_until_a_gain_is_named(cell: Study) -> None:
    (refused,) = one(cell, "energy_shift", "no unit")
    assert refused.status == "not_observable"
    assert "in channels" in str(refused.reason)
    params = {"nominal_gain": 0.25, "nominal_offset": 10.0}
    cell.analyse(["compton.calibration"], samples=["no unit"], params=params)
    found = [f for f in one(cell, "energy_shift", "no unit") if f.value is not None]
    assert len(found) == 1
    beam = found[0].evidence["beam"]
    assert isinstance(beam, dict)
    assert "assumed" in str(beam["incident_energy"])


def test_a_scale_that_was_found_can_be_applied(cell: Study, tmp_path: Path) -> None:
    found = one(cell, "energy_shift")[0]
    table = tmp_path / "own.scale.txt"
    write_scale([found], cell.store.open_dataset, table)
    counts = np.ones((SHAPE, SHAPE, 560))
    path = write_hxt(tmp_path / "next.hxt", counts, np.linspace(10, 150, 561)[:-1])
    (signal,) = read_hxt(path, {"bin_unit": "keV"}, {"scale": table})
    assert signal.metadata["own_scale"] == "own.scale.txt"
    with open_hxt(path, {"scale": table}, signal.lazy or {}) as data:
        scaled = pixel_scale_of(data)
        assert scaled is not None
        # the pixel that was moved by four bins is bad, and so is the dead row
        assert data["good"].values.sum() == SHAPE * SHAPE - SHAPE - 1
        moved = scaled[0][1, 1] * 93.87 + scaled[1][1, 1] - 93.87
    assert found.array is not None
    maps = cell.store.open_dataset(found.array)
    assert moved == pytest.approx(float(maps["correction_at_peak"].values[1, 1]), abs=1e-4)
    with pytest.raises(BadInputError, match="belongs to bins in keV"):
        read_hxt(path, {"bin_unit": "adu"}, {"scale": table})
    small = write_hxt(tmp_path / "small.hxt", counts[:4], np.linspace(10, 150, 561)[:-1])
    with pytest.raises(BadFileError, match=r"is for \[8, 8\] pixels with 64 lines, not 4 x 8"):
        read_hxt(small, {"bin_unit": "keV"}, {"scale": table})
    table.write_text(table.read_text().replace(table.read_text().split()[-2], "nonsense"))
    with pytest.raises(BadFileError, match="cannot be read"):
        read_hxt(path, {"bin_unit": "keV"}, {"scale": table})
    with pytest.raises(BadInputError, match="0 energy scales were found"):
        write_scale([], cell.store.open_dataset, table)


def drawn(blocks: list[Any]) -> list[str]:
    for block in blocks:
        assert isinstance(block, Figure)
        assert isinstance(block.table, Table)
        figure = MatplotlibFigure(figsize=block.size, layout="constrained")
        block.draw(figure)
        figure.canvas.draw()
    return [block.title for block in blocks]


def test_figures_draw_and_say_that_data_are_simulated(cell: Study) -> None:
    measured = [cell.measurement(r.id) for r in cell.measurement_records()]
    own = [m for m in measured if m.sample == "cell"]
    findings = [f for f in cell.findings() if f.sample == "cell"]
    context = ViewContext(cell.store.open_dataset)
    for view in (spectra_view, calibration_view):
        titles = drawn(view(own, findings, context))
        assert len(titles) == 4
        assert all(title.startswith("SIMULATED") for title in titles)
    assert drawn(drift_view(own, findings, context)) == ["SIMULATED Drift between states"]
    bare = [m for m in measured if m.sample == "no unit"]
    assert drawn(spectra_view(bare, [], context)) == ["Sum of all spectra", "Counts by pixel"]
    assert drift_view(bare, [], context) == []


@pytest.mark.parametrize("shift", [0.06, 0.125])
def test_what_a_drift_does_to_emr_does_not_hang_on_the_bins(shift: float) -> None:
    """The same moved profile in bins of 0.25 keV and of 0.02 keV, against the unmoved one."""
    p = np.linspace(-40.0, 40.0, 16_001)
    profile = broadened("Li", p, 0.905)
    below = np.concatenate([[0.0], np.cumsum(0.5 * (profile[1:] + profile[:-1]) * np.diff(p))])
    unmoved = ratio_of_windows("Li", fwhm=0.905)
    change = {}
    for width in (0.25, 0.02):
        edges = np.arange(60.0, 114.0, width)
        counts = np.diff(np.interp(momentum(edges - shift, 115.0, 90.0), p, below)) * 1e7
        state = SimpleNamespace(incident=115.0, angle=90.0, spectrum=counts, edges=edges)
        drift = SimpleNamespace(peak=SimpleNamespace(value=shift, std=1e-3))
        found = _on_emr(state, drift)  # type: ignore[arg-type]
        assert found["moved_back"] == pytest.approx(unmoved, rel=1e-3)
        change[width] = found["change"]
    assert change[0.25] == pytest.approx(change[0.02], rel=0.1)
    assert change[0.02] > 0.0, "a peak off its place has a smaller ratio"


def test_names_of_close_lines_do_not_lie_on_each_other() -> None:
    from consilience_compton.calibration.lines import detector_lines
    from consilience_compton.drawing.calibration import _above

    energy = np.array([group.mean for group in detector_lines()])
    up = dict(zip([group.name for group in detector_lines()], _above(energy), strict=True))
    assert up["Te Kα"] is not up["Cd Kβ"]
    assert all(up[name] for name in ("Cd Kα", "W Kα", "Pb Kα"))
    assert _above(np.zeros(0)) == []
