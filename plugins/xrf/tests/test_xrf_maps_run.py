"""Compared maps as findings, figures and files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from consilience.analysis import AnalysisOutput
from consilience.declarations import Ref, View
from consilience.errors import BadInputError
from consilience.model.finding import Finding, Source
from consilience.model.sample import Sample
from consilience.testing import judging
from consilience.view import ViewContext
from consilience_xrf.drawing.density_view import density_view
from consilience_xrf.drawing.export import (
    write_maps_csv,
    write_maps_pdf,
    write_maps_png,
    write_maps_svg,
    write_maps_tiff,
)
from consilience_xrf.drawing.maps_view import element_maps_view
from consilience_xrf.drawing.profile_view import profiles_view
from consilience_xrf.findings.amount_params import (
    DensityParams,
    LayerParams,
    MapsParams,
    ProfileParams,
    SensitivityParams,
    StandardMass,
)
from consilience_xrf.findings.density_run import run_density
from consilience_xrf.findings.maps_run import run_maps
from consilience_xrf.findings.profile_run import run_profile
from consilience_xrf.findings.sensitivity_run import run_sensitivity

CONTEXT: Any = SimpleNamespace(sample=Sample(id="sample"))
SHAPE = (8, 12)


def scan(
    name: str,
    counts: float,
    seed: int,
    *,
    unit: str = "um",
    monitor: float | None = 1e6,
    beam: float | None = 18.0,
    map_unit: str = "count",
) -> Any:
    """A film of platinum that fills the left half, and an empty map of iron."""
    chance = np.random.default_rng(seed)
    truth = np.full(SHAPE, counts)
    truth[:, 6:] = 0.1 * counts
    variables: dict[str, Any] = {
        "Pt": (("y", "x"), chance.poisson(truth).astype(float),
               {"units": map_unit, "element": "Pt", "line": "La"}),
        "Fe": (("y", "x"), np.zeros(SHAPE), {"units": map_unit, "element": "Fe", "line": "Ka"}),
    }  # fmt: skip
    if monitor is not None:
        variables["monitor"] = (("y", "x"), np.full(SHAPE, monitor), {"units": "count"})
    data = xr.Dataset(
        variables,
        {
            "y": ("y", 0.5 * np.arange(SHAPE[0]), {"units": unit}),
            "x": ("x", 0.5 * np.arange(SHAPE[1]), {"units": unit}),
        },
    )
    metadata = {} if beam is None else {"incident_energy": {"value": beam, "unit": "keV"}}
    record = SimpleNamespace(state={"state": name}, file_name=f"{name}.nxs", title=name, name=name)
    return SimpleNamespace(id=f"m-{name}", data=data, metadata=metadata, record=record)


def test_maps_share_one_number_and_its_error() -> None:
    output = run_maps([scan("dry", 900.0, 1), scan("wet", 810.0, 2)], MapsParams(), CONTEXT)
    dry, wet = output.findings
    assert [f.kind for f in output.findings] == ["element_map", "element_map"]
    top = float(dry.evidence["greatest"])
    assert top == wet.evidence["greatest"]
    assert dry.evidence["greatest_in_scan"] == "dry"
    assert dry.value == pytest.approx(900.0 * 0.55 / top, rel=0.02)
    assert wet.value is not None
    assert wet.value / (dry.value or 1.0) == pytest.approx(0.9, abs=0.02)
    assert dry.covariance is not None
    matrix = output.arrays[dry.covariance.array]["statistical"].values
    assert matrix[0, 1] > 0.5 * matrix[0, 0], "the shared error is most of it"
    assert dry.std_stat == pytest.approx(matrix[0, 0] ** 0.5)
    assert dry.std_sys is not None
    assert dry.probe is not None
    assert dry.probe.depth is not None
    assert dry.probe.depth.value == pytest.approx(2.03, abs=0.03)
    lost = dry.evidence["absorption"]["lost_in_liquid"]
    assert lost["10 um"] == pytest.approx(0.0096, abs=2e-4)
    assert "each point is divided by monitor" in dry.assumptions[0]
    assert [n.code for n in output.notices] == ["map-empty"]
    assert "no point of Fe_Ka is above 0" in output.notices[0].message


def test_what_wet_scans_lack_as_liquid() -> None:
    params = MapsParams(dry="dry", lines=("Pt_La",))
    output = run_maps([scan("dry", 9e4, 1), scan("wet", 0.92 * 9e4, 2)], params, CONTEXT)
    (liquid,) = (f for f in output.findings if f.kind == "thickness")
    assert liquid.value == pytest.approx(86e3, rel=0.05)  # -ln 0.92 of 0.00097 a µm
    assert liquid.std_stat is not None
    assert liquid.std_sys is None
    assert liquid.evidence["same_points"]
    with pytest.raises(BadInputError, match="0 scans are called 'oven'"):
        run_maps([scan("dry", 9e4, 1)], MapsParams(dry="oven"), CONTEXT)


def test_unknown_beam_unit_and_errors_stay_unknown() -> None:
    one = scan("a", 900.0, 1, beam=None, map_unit="1", unit="1", monitor=None)
    (found,) = run_maps([one], MapsParams(), CONTEXT).findings
    assert found.std_stat is None
    assert found.std_sys is None
    assert found.covariance is None
    assert found.probe is None
    assert found.region is not None
    assert found.region.unit == "point"
    said = " ".join(found.assumptions)
    assert "points are not divided by any monitor or time" in said
    assert "errors are unknown" in said


def test_a_monitor_that_one_scan_lacks_divides_none() -> None:
    some = [scan("a", 900.0, 1), scan("b", 900.0, 2, monitor=None)]
    output = run_maps(some, MapsParams(lines=("Pt_La",)), CONTEXT)
    (notice,) = output.notices
    assert notice.code == "exposure-not-common"
    assert "1 of 2 scans have a monitor" in notice.message
    with pytest.raises(BadInputError, match=r"there is no map of Au_La; the files have Pt_La"):
        run_maps(some, MapsParams(lines=("Au_La",)), CONTEXT)
    below = run_maps([scan("a", 900.0, 1, beam=11.0)], MapsParams(lines=("Pt_La",)), CONTEXT)
    assert "do not excite Pt_La" in below.notices[0].message
    with pytest.raises(ValueError, match="'Platinum' is no line"):
        MapsParams(lines=("Platinum",))


def test_profiles_of_all_scans_on_one_scale() -> None:
    some = [scan("dry", 900.0, 1), scan("wet", 810.0, 2)]
    output = run_profile(some, ProfileParams(lines=("Pt_La",)), CONTEXT)
    dry, wet = output.findings
    data = output.arrays[dry.array or ""]
    named = [dry.evidence[name] for name in ("variable", "variable_std")]
    assert [data[name].dims for name in named] == [("distance",)] * 2
    assert data["share"].values[:6].mean() == pytest.approx(
        900.0 / dry.evidence["greatest"], rel=0.03
    )
    assert data["share"].values[6:].mean() == pytest.approx(
        90.0 / dry.evidence["greatest"], rel=0.1
    )
    assert dry.evidence["greatest"] == wet.evidence["greatest"]
    assert dry.evidence["scatter_over_counting"] == pytest.approx(1.0, abs=0.3)
    assert dry.region is not None
    assert dry.region.coordinates == [[0.0, 1.75], [5.5, 1.75]]
    with pytest.raises(BadInputError, match="the line meets none of 2 scans"):
        run_profile(some, ProfileParams(start=(90, 90), end=(99, 99), width=1), CONTEXT)


def test_a_standard_of_the_same_sample_gives_masses() -> None:
    standard, film = scan("foil", 2000.0, 1), scan("film", 500.0, 2)
    params = DensityParams(
        lines=("Pt_La",),
        standard_measurement="foil",
        standard={"Pt": StandardMass(mass=200, std=4)},
    )
    (found,) = run_density([standard, film], params, CONTEXT).findings
    assert found.unit == "kg/m^2"
    assert found.value == pytest.approx(found.evidence["ug_cm2"] * 1e-5)
    assert found.evidence["ug_cm2"] == pytest.approx(
        50.0, rel=0.04
    )  # and a thinner film absorbs less
    parts = found.evidence["std_sys_parts"]
    assert parts["standard"] == pytest.approx(0.02 * (found.value or 0.0), rel=0.1)
    assert {"counting_of_the_standard", "own_absorption", "layers"} <= set(parts)
    assert found.std_sys == pytest.approx(np.hypot.reduce(list(parts.values())))
    (one,) = run_sensitivity(
        [standard], SensitivityParams(standard={"Pt": StandardMass(mass=200.0, std=4.0)}), CONTEXT
    ).findings
    assert one.unit == "count/(ug/cm^2)/(count)"
    again = DensityParams(
        lines=("Pt_La",), sensitivity={"Pt_La": StandardMass(mass=one.value or 1.0)}
    )
    (same,) = run_density([film], again, CONTEXT).findings
    assert same.evidence["ug_cm2"] == pytest.approx(found.evidence["ug_cm2"], rel=1e-3)
    assert same.std_sys is None, "the sensitivity was given without an error"
    with pytest.raises(BadInputError) as told:
        run_density([film, scan("again", 500.0, 3)], DensityParams(), CONTEXT)
    reason = "nothing says how many counts its mass gives"
    assert told.value.what == f"no mass per area can be told: Pt_La, Fe_Ka: {reason}", "once"


def test_layers_over_the_sample_are_undone_and_their_error_carried() -> None:
    film = scan("film", 500.0, 2)
    common: dict[str, Any] = {"photons": 1e3, "solid_angle": 0.1, "photons_std": 0.02,
                              "solid_angle_std": 0.05, "lines": ("Pt_La",)}  # fmt: skip
    layer = LayerParams(material="C3H4O3", density=1.32, thickness=100.0, thickness_std=20.0)
    (bare,) = run_density([film], DensityParams(**common), CONTEXT).findings
    (under,) = run_density([film], DensityParams(**common, over=(layer,)), CONTEXT).findings
    ratio = (under.value or 0.0) / (bare.value or 1.0)
    assert ratio == pytest.approx(1.0 / under.evidence["let_through_by_layers"], rel=1e-3)
    parts = under.evidence["std_sys_parts"]
    assert parts["layers_over"] == pytest.approx(
        0.2 * -np.log(1 / ratio) * (under.value or 0), rel=0.02
    )


def test_without_the_beam_what_the_layer_absorbs_is_not_known() -> None:
    film = scan("film", 500.0, 2, beam=None)
    given = {"Pt_La": StandardMass(mass=10.0, std=0.1)}
    params = DensityParams(lines=("Pt_La",), sensitivity=given)
    (found,) = run_density([film], params, CONTEXT).findings
    assert found.evidence["std_sys_parts"]["own_absorption"] is None
    assert found.std_sys is None, "not zero"
    (thin,) = run_density(
        [film], params.model_copy(update={"self_absorption": False}), CONTEXT
    ).findings
    assert thin.std_sys is not None, "somebody said that it absorbs nothing"
    foil = SensitivityParams(standard={"Pt": given["Pt_La"]})
    (one,) = run_sensitivity([film], foil, CONTEXT).findings
    assert one.std_sys is None


def test_saturation_is_that_of_the_matrix() -> None:
    film = scan("film", 500.0, 2)
    common: dict[str, Any] = {"lines": ("Pt_La",), "photons": 1e3, "solid_angle": 0.1}
    (alone,) = run_density([film], DensityParams(**common), CONTEXT).findings
    params = DensityParams(**common, matrix={"Pt": 0.5, "C": 0.5}, fractions={"Pt": 0.5})
    (mixed,) = run_density([film], params, CONTEXT).findings
    # carbon absorbs hardly anything of it: as much platinum may lie in it
    assert mixed.evidence["saturates_at_ug_cm2"] == pytest.approx(
        alone.evidence["saturates_at_ug_cm2"], rel=0.05
    )
    heavy = DensityParams(**common, matrix={"Pt": 0.5, "Pb": 0.5}, fractions={"Pt": 0.5})
    (less,) = run_density([film], heavy, CONTEXT).findings
    share = less.evidence["saturates_at_ug_cm2"] / alone.evidence["saturates_at_ug_cm2"]
    assert share == pytest.approx(0.5, abs=0.15), "lead absorbs about as much as platinum"


Results = tuple[list[Finding], dict[str, xr.Dataset]]


def results(output: AnalysisOutput, analysis: str) -> Results:
    """Findings as the core keeps them, and their arrays by name."""
    source = Source(plugin="xrf", version="0", analysis=analysis).to_json()
    made = []
    for draft in output.findings:
        body = {
            **draft.to_json(), "sample": "s", "state": draft.state or {}, "origin": "simulated",
            "measurements": draft.measurements or ["m-dry", "m-wet"], "source": source,
        }  # fmt: skip
        made.append(Finding.identified(body))
    return made, dict(output.arrays)


@pytest.fixture(scope="module")
def maps() -> Results:
    some = [scan("dry", 900.0, 1), scan("wet", 810.0, 2)]
    return results(run_maps(some, MapsParams(dry="dry"), CONTEXT), "xrf.maps")


def drawn(view: Any, found: Results) -> list[Any]:
    some = [SimpleNamespace(id="m-dry"), SimpleNamespace(id="m-wet")]
    blocks: list[Any] = view(some, found[0], ViewContext(found[1].__getitem__))
    name = View("xrf.x", "x", Ref("a:b"))
    assert not list(judging.block_faults(name, blocks))
    return blocks


def test_figures_show_shared_and_own_scales_and_the_numbers(maps: Results) -> None:
    figure, absorption, liquid = drawn(element_maps_view, maps)
    assert figure.title == "SIMULATED Element maps: Pt_La"
    assert "share of the greatest point of all maps of the line, one scale" in figure.caption
    assert "each on a scale of its own" in figure.caption
    assert [row[1] for row in figure.table.rows] == ["dry", "wet"]
    own, everything = figure.table.rows[0][3:5]
    assert own < everything
    assert absorption.title == "What absorption costs"
    assert absorption.rows[0][6:] == [pytest.approx(0.96, abs=0.02), pytest.approx(9.2, abs=0.1)]
    assert liquid.rows[0][6] == "yes"


def test_figures_of_profiles_and_masses() -> None:
    some = [scan("dry", 900.0, 1), scan("wet", 810.0, 2)]
    line = ProfileParams(lines=("Pt_La",))
    (profile,) = drawn(profiles_view, results(run_profile(some, line, CONTEXT), "xrf.profile"))
    assert "All curves share an error of" in profile.caption
    assert profile.table.headings[1] == "x (µm)"
    params = DensityParams(photons=1e3, solid_angle=0.1)
    picture, table = drawn(density_view, results(run_density(some, params, CONTEXT), "xrf.density"))
    assert "µg/cm²" in picture.caption
    assert "not known: photons, solid angle" in str(table.rows[0][5])


def test_files_of_maps_hold_pictures_and_numbers(maps: Results, tmp_path: Path) -> None:
    found, arrays = maps
    for kind, write, start in (
        ("png", write_maps_png, b"\x89PNG"),
        ("pdf", write_maps_pdf, b"%PDF"),
        ("svg", write_maps_svg, b"<?xml"),
    ):
        path = tmp_path / f"maps.{kind}"
        write(found, arrays.__getitem__, path)
        assert path.read_bytes().startswith(start)
    with Image.open(tmp_path / "maps.png") as picture:
        assert picture.info["dpi"][0] == pytest.approx(600.0, rel=0.01)
        assert picture.info["Comment"] == "origin: simulated"
    assert b"origin: simulated" in (tmp_path / "maps.svg").read_bytes()
    tifffile = pytest.importorskip("tifffile", reason="reads pages with another program")
    write_maps_tiff(found, arrays.__getitem__, tmp_path / "maps.tif")
    with tifffile.TiffFile(tmp_path / "maps.tif") as pages:
        told = [json.loads(page.tags["ImageDescription"].value) for page in pages.pages]
        assert [(t["scan"], t["map"], t["unit"]) for t in told] == [
            (scan_, name, "count") for scan_ in ("dry", "wet") for name in ("Pt_La", "Pt_La_std")
        ]
        wet = pages.pages[2].asarray()
    assert wet == pytest.approx(arrays["maps_1"]["Pt_La"].values, rel=1e-6)
    write_maps_csv(found, arrays.__getitem__, tmp_path / "maps.csv")
    with (tmp_path / "maps.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["origin: simulated"]
    assert len(rows) == 2 + 2 * SHAPE[0] * SHAPE[1]
    column = rows[1].index("Pt_La (share of the greatest point)")
    assert max(float(row[column]) for row in rows[2:]) == pytest.approx(1.0)
    with pytest.raises(BadInputError, match="these findings name no map of an element"):
        write_maps_csv([], arrays.__getitem__, tmp_path / "none.csv")


def test_maps_per_second_and_amounts_are_not_divided_by_time_again() -> None:
    """With live and real time in the file, and a monitor: as XRF-Maps writes them."""

    def timed(name: str, unit: str, seconds: float) -> Any:
        made = scan(name, 400.0, 1, map_unit=unit, monitor=1e6 * seconds)
        for key, share in (("live_time", 0.8), ("real_time", 1.0)):
            made.data[key] = (("y", "x"), np.full(SHAPE, share * seconds), {"units": "s"})
        return made

    for unit, by in (("count/s", "monitor over real_time"), ("ug/cm^2", None)):
        both = [timed("a", unit, 1.0), timed("b", unit, 4.0)]
        first, second = run_maps(both, MapsParams(lines=("Pt_La",)), CONTEXT).findings
        assert first.value == pytest.approx(second.value), "four times the time, the same rate"
        assert first.evidence["divided_by"] == ([by] if by else [])
        assert first.std_stat is None, "what is no count has no error of its own"
    with pytest.raises(BadInputError, match="cannot be brought to one scale"):
        run_maps([timed("a", "count/s", 1.0), timed("b", "count", 1.0)], MapsParams(), CONTEXT)
    with pytest.raises(BadInputError, match="Pt_La are in mass per area already"):
        run_density(
            [timed("a", "ug/cm^2", 1.0)],
            DensityParams(lines=("Pt_La",), photons=1e8, solid_angle=0.1),
            CONTEXT,
        )
    timeless = scan("a", 400.0, 1, map_unit="count/s")
    (said,) = run_maps([timeless], MapsParams(lines=("Pt_La",)), CONTEXT).notices
    assert said.code == "monitor-without-time"
