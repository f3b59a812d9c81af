"""Cases that must not be hidden: no ranges, one ion, clusters, an interruption, an empty region."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from apt_files import points
from apt_measurements import context, measured, needle, of
from pydantic import ValidationError

from consilience.model.measurement import Measurement, Signal
from consilience_apt import analyses
from consilience_apt.checks import check_ions
from consilience_apt.params import (
    CompositionParams,
    HomogeneityParams,
    ProfileParams,
    RegionSpec,
    SpectrumParams,
    SurfaceParams,
)
from consilience_apt.simulation import Clusters, Layer, NeedleParams

EVERY = [
    ("run_spectrum", SpectrumParams()),
    ("run_composition", CompositionParams()),
    ("run_profile", ProfileParams()),
    ("run_homogeneity", HomogeneityParams()),
    ("run_surfaces", SurfaceParams()),
]
ALLOY = NeedleParams(
    ions=12_000,
    radius=10.0,
    background=0.02,
    layers=(Layer(name="alloy", thickness=30.0, top={"Ni+": 0.8, "Cu+": 0.2}),),
    files=("epos", "rrng"),
)


def write_pos(path: Path, ions: np.ndarray) -> Path:
    path.write_bytes(ions.astype(">f4").tobytes())
    return path


@pytest.mark.parametrize(("name", "params"), EVERY, ids=[name for name, _ in EVERY])
@pytest.mark.parametrize("number", [1, 40])
def test_few_ions_without_ranges_say_so(
    name: str, params: object, number: int, tmp_path: Path
) -> None:
    one = measured(write_pos(tmp_path / "few.pos", points(max(number, 2))[:number]), "apt.pos")
    found = getattr(analyses, name)([one], params, context(tmp_path))
    assert "no-ranges" in {n.code for n in found.notices}
    assert {d.kind for d in found.findings} <= {"mass_spectrum", "mass_resolution"}


def test_without_named_elements_nothing_is_proposed(tmp_path: Path) -> None:
    one = needle(tmp_path / "n", ALLOY, 3, ranges=False)
    found = analyses.run_composition([one], CompositionParams(), context(tmp_path))
    assert found.findings == []
    (notice,) = [n for n in found.notices if n.code == "no-ranges"]
    assert "nobody said which elements" in notice.message


def test_proposed_ranges_are_said_to_be_proposed(tmp_path: Path) -> None:
    one = needle(tmp_path / "n", ALLOY, 3, ranges=False)
    where = context(tmp_path, ["Ni", "Cu"])
    found = analyses.run_composition([one], CompositionParams(most_atoms=1), where)
    (nickel,) = of(found, "composition", "Ni")
    assert nickel.value == pytest.approx(0.8, abs=0.05)
    assert any("ranges were proposed" in text for text in nickel.assumptions)
    assert "proposed-ranges" in {n.code for n in found.notices}


def test_regions_carry_their_place(tmp_path: Path) -> None:
    one = needle(tmp_path / "n", ALLOY, 4)
    regions = [
        RegionSpec(label="top half", shape="slab", low=-15.0, high=0.0),
        RegionSpec(label="core", shape="cylinder", centre=(0, 0, -15), radius=3, length=20),
        RegionSpec(label="elsewhere", shape="sphere", centre=(500, 0, 0), radius=3),
    ]
    found = analyses.run_composition([one], CompositionParams(regions=regions), context(tmp_path))
    for label in ("whole volume", "top half", "core"):
        (draft,) = of(found, "composition", "Cu", label)
        assert draft.value == pytest.approx(0.2, abs=0.06)
        assert draft.covariance is not None
    assert len(found.arrays) == 3
    (missing,) = [n for n in found.notices if n.code == "no-composition"]
    assert "elsewhere: the region holds none" in missing.message
    assert of(found, "composition", "Cu", "elsewhere") == []


def test_stated_effects_make_the_systematic_error_known(tmp_path: Path) -> None:
    one = needle(tmp_path / "n", ALLOY, 4)
    params = CompositionParams(efficiency_std=0.02, field_loss_std=0.01)
    (copper,) = of(analyses.run_composition([one], params, context(tmp_path)), "composition", "Cu")
    # 0.2 × 0.8 × √2 × √(0.02² + 0.01²), and what is computed beside
    assert copper.std_sys is not None
    assert copper.std_sys >= 0.16 * 2**0.5 * 5**0.5 * 0.01 * 0.95
    assert copper.std_sys < 0.03


def test_clusters_are_found_with_field_contrast_as_rival(tmp_path: Path) -> None:
    clustered = ALLOY.model_copy(
        update={"clusters": Clusters(layer=0, number=14, radius=2.5, ions={"Cu+": 1.0})}
    )
    one = needle(tmp_path / "n", clustered, 5)
    params = HomogeneityParams(element="Cu")
    found = {
        d.evidence["test"]: d
        for d in analyses.run_homogeneity([one], params, context(tmp_path)).findings
    }
    for name in ("frequency distribution", "nearest neighbours", "radial distribution"):
        assert found[name].evidence["decision"] == "segregated"
        assert "evaporation-field contrast" in {
            r.subject.label for r in found[name].rivals if r.live
        }


@pytest.mark.parametrize(("name", "params"), EVERY, ids=[name for name, _ in EVERY])
def test_every_analysis_can_be_interrupted(name: str, params: object, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    calls = []

    def stop(done: int, total: int, what: str) -> None:
        calls.append((done, total, what))
        if len(calls) > 1:
            raise StoppedError

    one = needle(tmp_path / "n", ALLOY, 6)
    with pytest.raises(StoppedError):
        getattr(analyses, name)([one], params, context(tmp_path, progress=stop))
    assert all(0 <= done <= total and what for done, total, what in calls)


def test_checks_name_what_no_needle_is() -> None:
    def notices(**metadata: object) -> set[str]:
        data = measured_signal(metadata)
        return {n.code for n in check_ions(data)}

    assert notices(ions=10, extent_x={"value": 9000.0, "unit": "nm"}) == {"too-large"}
    assert notices(ions=10, extent_x={"value": 0.01, "unit": "nm"}) == {"too-small"}
    assert notices(ions=100, ions_in_ranges=5) == {"few-ranged"}
    assert notices(ions=100, ions_in_ranges=80) == set()
    assert notices(mass_to_charge_high={"value": 5000.0, "unit": "Da"}) == {"mass-too-large"}


def measured_signal(metadata: dict[str, object]) -> Signal:
    import xarray as xr

    return Signal(name="ions", modality="apt", data=xr.Dataset(), metadata=metadata)  # type: ignore[arg-type]


def test_relabellings_have_to_reach_the_level() -> None:
    with pytest.raises(ValidationError, match=r"below a fifth of 0\.05; take more"):
        HomogeneityParams(relabellings=99)


@pytest.mark.parametrize(
    ("name", "params"),
    [("run_composition", CompositionParams()), ("run_profile", ProfileParams(most_changes=1))],
    ids=["composition", "profile"],
)
def test_the_list_of_ions_is_never_in_memory(name: str, params: object, tmp_path: Path) -> None:
    peaks = []
    for number in (400_000, 1_600_000):
        one = many(tmp_path / f"{number}", number)
        tracemalloc.start()
        try:
            getattr(analyses, name)([one], params, context(tmp_path))
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    # 19 MB more in the file, 100 MB at most in any case
    assert peaks[1] - peaks[0] < 4e6
    assert max(peaks) < 1e8


def many(folder: Path, number: int) -> Measurement:
    folder.mkdir()
    chance = np.random.default_rng(1)
    ions = np.empty((number, 4), np.float32)
    ions[:, :3] = chance.random((number, 3)) * [20.0, 20.0, 60.0]
    ions[:, 3] = chance.choice([6.015, 7.015, 58.69], number) + chance.normal(0, 0.01, number)
    ranges = folder / "two.rrng"
    ranges.write_text(
        "[Ions]\nNumber=2\nIon1=Li\nIon2=Ni\n[Ranges]\nNumber=3\n"
        "Range1=5.9 6.1 Vol:0.01 Li:1\nRange2=6.9 7.1 Vol:0.01 Li:1\n"
        "Range3=58.5 58.9 Vol:0.01 Ni:1\n",
        encoding="ascii",
    )
    return measured(write_pos(folder / "many.pos", ions), "apt.pos", {"ranges": ranges})
