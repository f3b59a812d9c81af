"""Reconstruction, planes and facets as analyses: known answers, and input that says nothing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from apt_measurements import context, measured, of
from pydantic import ValidationError

from consilience.model.measurement import Measurement
from consilience_apt import analyses
from consilience_apt.params import FacetParams, PlaneParams, ReconstructionParams, RegionSpec

CELL = 0.405
HALF = 6.0
ON_TOP = 4.0
DENSITY = 20.0


def ions(folder: Path, at: np.ndarray, mass: np.ndarray, *ranges: str) -> Measurement:
    """Return ions as a measurement, with ranges of 0.5 Da on both sides of ``El:mass``."""
    folder.mkdir(exist_ok=True)
    noise = np.random.default_rng(9).normal(0, 0.02, len(mass))
    rows = np.column_stack([at, mass + noise]).astype(">f4")
    (folder / "ions.pos").write_bytes(rows.tobytes())
    lines = ["[Ions]", f"Number={len(ranges)}"]
    pairs = [one.split(":") for one in ranges]
    lines += [f"Ion{n}={symbol}" for n, (symbol, _) in enumerate(pairs, 1)]
    lines += ["[Ranges]", f"Number={len(ranges)}"]
    lines += [
        f"Range{n}={float(m) - 0.5} {float(m) + 0.5} Vol:0.02 {symbol}:1"
        for n, (symbol, m) in enumerate(pairs, 1)
    ]
    (folder / "ions.rrng").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return measured(folder / "ions.pos", "apt.pos", {"ranges": folder / "ions.rrng"})


@pytest.fixture(scope="module")
def rod(tmp_path_factory: pytest.TempPathFactory) -> Measurement:
    """A rod of aluminium, 20 detected atoms in a nm³."""
    rng = np.random.default_rng(1)
    at = rng.uniform(-8, 8, (round(DENSITY * 16**3), 3))
    at = at[np.hypot(at[:, 0], at[:, 1]) < 8]
    return ions(tmp_path_factory.mktemp("rod"), at, np.full(len(at), 27.0), "Al:27")


def test_density_and_scale_are_those_that_were_put_in(rod: Measurement, tmp_path: Path) -> None:
    params = ReconstructionParams(
        field_factor=3.3,
        field_factor_std=0.05,
        image_compression_std=0.03,
        efficiency=0.4,
        efficiency_relative_std=0.05,
        evaporation_field_std=0.02,
        solid_density=50.0,
        solid_density_relative_std=0.01,
        background="none",
    )
    found = analyses.run_reconstruction([rod], params, context(tmp_path))
    (density,) = of(found, "atomic_density")
    assert density.std is not None
    assert density.value == pytest.approx(DENSITY, abs=3 * density.std)
    assert density.std < 0.1 * DENSITY
    (ratio,) = of(found, "density_ratio")
    assert ratio.std is not None
    assert ratio.value == pytest.approx(1.0, abs=3 * ratio.std)
    assert ratio.std_sys is not None
    assert ratio.std_sys > math.hypot(0.05, 0.01) * 0.9
    (said,) = of(found, "reconstruction")
    assert said.value is None
    depth = math.sqrt(4 * (0.05**2 + 0.03**2 + 0.02**2) + 0.05**2)
    assert said.evidence["depth_relative_std"] == pytest.approx(depth, rel=1e-4)
    sentence = str(said.evidence["sentence"])
    assert "in agreement" in sentence
    assert f"(k_f 3.3): depths are good to {100 * depth:.2g} %; widths are good to" in sentence


def test_what_is_not_stated_of_a_reconstruction_is_unknown(
    rod: Measurement, tmp_path: Path
) -> None:
    params = ReconstructionParams(field_factor_std=0.05)
    found = analyses.run_reconstruction([rod], params, context(tmp_path))
    (said,) = of(found, "reconstruction")
    sentence = str(said.evidence["sentence"])
    assert "the density of the solid and the detection efficiency are not stated" in sentence
    assert "the error of depths is unknown, 10 % at least" in sentence
    assert "image compression, efficiency, evaporation field" in sentence
    assert said.evidence["depth_relative_std"] is None
    assert of(found, "density_ratio") == []
    dense = ReconstructionParams(solid_density=DENSITY / 2)
    (said,) = of(analyses.run_reconstruction([rod], dense, context(tmp_path)), "reconstruction")
    assert "more atoms than the solid holds" in str(said.evidence["sentence"])
    # voxels in which nothing can be told
    small = analyses.run_reconstruction([rod], ReconstructionParams(voxel=0.3), context(tmp_path))
    assert [d.kind for d in small.findings] == ["reconstruction"]
    assert "The density is unknown: voxels hold" in str(small.findings[0].evidence["sentence"])
    assert "no-density" in {n.code for n in small.notices}


def crystal(folder: Path) -> Measurement:
    """Two fifths of an fcc crystal, sharp along z."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(15)] * 3, indexing="ij"), -1).reshape(-1, 3)
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    atoms = (grid[:, None] + basis).reshape(-1, 3) * CELL
    atoms = atoms[rng.random(len(atoms)) < 0.4]
    atoms += rng.normal(0, 1, atoms.shape) * [0.2, 0.2, 0.03]
    return ions(folder, atoms, np.full(len(atoms), 27.0), "Al:27")


def test_planes_of_a_crystal_and_none_across_another_direction(tmp_path: Path) -> None:
    one = crystal(tmp_path / "al")
    box = RegionSpec(label="core", shape="box", centre=(3, 3, 3), size=(5, 5, 5))
    found = analyses.run_planes(
        [one], PlaneParams(region=box, element="Al", trials=99, level=0.01), context(tmp_path)
    )
    (planes,) = of(found, "d_spacing", region="core")
    assert planes.unit == "angstrom"
    assert planes.value == pytest.approx(10 * CELL / 2, rel=0.005)
    assert planes.std_stat is not None
    assert planes.std_stat < 0.02
    assert planes.std_sys is None, "the scale's error was not stated"
    assert found.arrays["distribution map"]["pairs"].attrs["units"] == "count"
    assert planes.evidence["p_value"] == 0.01
    assert {r.subject.label for r in planes.rivals if r.live} == {"a multiple of this spacing"}
    scale = PlaneParams(
        region=box,
        trials=19,
        level=0.05,
        field_factor_std=0.05,
        image_compression_std=0.03,
        efficiency_relative_std=0.05,
        evaporation_field_std=0.02,
    )
    (planes,) = of(analyses.run_planes([one], scale, context(tmp_path)), "d_spacing")
    depth = math.sqrt(4 * (0.05**2 + 0.03**2 + 0.02**2) + 0.05**2)
    assert planes.value is not None
    assert planes.std_sys == pytest.approx(planes.value * depth, rel=0.01)
    across = PlaneParams(region=box, direction="x", trials=19, level=0.05)
    (blurred,) = of(analyses.run_planes([one], across, context(tmp_path)), "d_spacing")
    assert blurred.value is None
    assert blurred.status == "not_observable"
    assert "cannot tell: no wave from 1 to 6 Å is stronger than by chance" in str(blurred.reason)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"most_ions": 60}, "more than 60 ions in the region; take a smaller region"),
        (
            {"region": RegionSpec(label="far", shape="sphere", centre=(90, 0, 0), radius=2)},
            "0 ions in the region show no planes",
        ),
        ({"element": "Li"}, "'Li' is in no range"),
        ({"direction": (0.0, 0.0, 0.0)}, "is no direction"),
    ],
    ids=["many", "none", "element", "direction"],
)
def test_planes_that_cannot_be_told_say_why(
    params: dict[str, object], reason: str, rod: Measurement, tmp_path: Path
) -> None:
    found = analyses.run_planes([rod], PlaneParams.model_validate(params), context(tmp_path))
    (planes,) = of(found, "d_spacing")
    assert planes.value is None
    assert reason in str(planes.reason)


def test_planes_need_trials_and_an_order_of_spacings() -> None:
    with pytest.raises(ValidationError, match="take smallest < largest <= depth"):
        PlaneParams(smallest=0.7)
    with pytest.raises(ValidationError, match=r"as low as 0\.05; take 19 or more"):
        PlaneParams(trials=18, level=0.05)


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Measurement:
    """A cube of silicon in chromium, with phosphorus on its upper face, 4 in a nm²."""
    rng = np.random.default_rng(0)
    at = rng.uniform(-10, 10, (200_000, 3))
    mass = np.where((np.abs(at) < HALF).all(axis=1), 28.0, 52.0)
    mass[rng.random(len(at)) < 0.01] = 31.0
    n = rng.poisson(ON_TOP * (2 * HALF) ** 2)
    more = np.column_stack([rng.uniform(-HALF, HALF, (n, 2)), rng.normal(HALF, 0.3, n)])
    at, mass = np.concatenate([at, more]), np.append(mass, np.full(n, 31.0))
    return ions(tmp_path_factory.mktemp("cube"), at, mass, "Si:28", "Cr:52", "P:31")


def test_facets_of_a_cube_and_phosphorus_on_one(cube: Measurement, tmp_path: Path) -> None:
    params = FacetParams(
        element="Si",
        concentration=0.5,
        voxel=1.0,
        sigma=0.7,
        species=["P"],
        least_area=40.0,
        half_width=1.5,
        efficiency=0.5,
        efficiency_relative_std=0.1,
        area_relative_std=0.05,
        repeats=2,
        background="none",
    )
    found = analyses.run_facets([cube], params, context(tmp_path))
    areas = of(found, "facet_area", "Si")
    assert len(areas) == 6
    for one in areas:
        assert one.value is not None
        assert 70 < one.value < (2 * HALF) ** 2
        assert one.std_stat is not None
        assert one.std_sys == pytest.approx(0.05 * one.value)
    excesses = of(found, "interfacial_excess", "P")
    top = max(excesses, key=lambda one: one.evidence["normal"][2])
    for one in excesses:
        truth = ON_TOP / 0.5 if one is top else 0.0
        assert one.std_stat is not None
        assert one.value == pytest.approx(truth, abs=4 * one.std_stat + 0.05 * truth)
    assert top.value is not None
    assert top.std_sys == pytest.approx(top.value * math.hypot(0.05, 0.1))
    assert found.arrays["facets"]["facet"].max() == 5
    bare = params.model_copy(update={"efficiency": None})
    unknown = of(analyses.run_facets([cube], bare, context(tmp_path)), "interfacial_excess", "P")
    assert all(one.value is one.std_stat is one.std_sys is None for one in unknown)
    best = max(unknown, key=lambda one: one.evidence["detected"])
    assert best.evidence["detected"] == pytest.approx(top.value / 2, rel=1e-4)
    assert "unknown without the detection efficiency" in str(best.evidence["sentence"])


@pytest.mark.parametrize(
    ("params", "what"),
    [
        ({"element": "Li"}, "'Li' is in no range"),
        ({"element": "P", "concentration": 0.9}, "P never reaches 90 %"),
        ({"element": "Si", "least_area": 100_000}, "no facet of 100000 nm² and more"),
        ({"element": "Si", "species": ["Fe"]}, "'Fe' is in no range"),
    ],
    ids=["element", "level", "area", "species"],
)
def test_facets_that_cannot_be_say_why(
    params: dict[str, object], what: str, cube: Measurement, tmp_path: Path
) -> None:
    given = FacetParams.model_validate({"repeats": 2, **params})
    found = analyses.run_facets([cube], given, context(tmp_path))
    assert found.findings == []
    (notice,) = [n for n in found.notices if n.code == "no-facets"]
    assert what in notice.message
    assert notice.fix


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("run_reconstruction", ReconstructionParams()),
        ("run_planes", PlaneParams()),
        ("run_facets", FacetParams()),
    ],
)
def test_each_can_be_interrupted(
    name: str, params: object, rod: Measurement, tmp_path: Path
) -> None:
    class StoppedError(Exception):
        pass

    calls = []

    def stop(done: int, total: int, what: str) -> None:
        calls.append((done, total, what))
        if len(calls) > 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        getattr(analyses, name)([rod], params, context(tmp_path, progress=stop))
    assert all(0 <= done <= total and what for done, total, what in calls)
