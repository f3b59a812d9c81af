"""A needle like PtAnode's: what was planted is found again, by either forward model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from consilience_apt.amounts.composition import compose
from consilience_apt.files.range_files import read_ranges
from consilience_apt.files.stream import IonSource, array_source
from consilience_apt.homogeneity import dispersion_test, frequency_test, spatial_blocks
from consilience_apt.masses.background import (
    flight_background,
    local_background,
    quiet_windows,
    with_model_spread,
)
from consilience_apt.masses.spectrum import measure_spectrum
from consilience_apt.ranges import RangeTable
from consilience_apt.simulation import draw_ions, pt_anode, simulate_needle
from consilience_apt.space.profile import Profile, profile
from consilience_apt.space.segmentation import segment_profile

MODELS = ("first", "second")


class Planted:
    def __init__(self, model: str, folder: Path) -> None:
        self.params = pt_anode(model)
        simulate_needle(self.params, 11, folder)
        self.truth = json.loads((folder / "simulated-truth.json").read_text())
        self.table: RangeTable = read_ranges(folder / "simulated.rrng")
        self.ions = draw_ions(self.params, 11)
        self.source: IonSource = array_source(
            self.ions.x, self.ions.y, self.ions.z, self.ions.mass_to_charge
        )

    def layer(self, name: str) -> dict:
        return next(one for one in self.truth["layers"] if one["name"] == name)


@pytest.fixture(scope="module", params=MODELS)
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return Planted(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def along(planted: Planted) -> Profile:
    return profile(planted.source, planted.table, "z", 0.5)


def test_counts_are_those_of_the_published_volume(planted: Planted) -> None:
    counts = planted.truth["ions"]
    lithium, platinum = counts["Li+"], counts["Pt+"] + counts["Pt++"]
    # the second model's bursts give some depths more ions than others
    reach = 0.03 if planted.params.model == "first" else 0.1
    assert lithium == pytest.approx(14412, rel=reach)
    assert platinum == pytest.approx(14984, rel=reach)


def test_the_volume_is_the_whole_needle_background_subtracted(planted: Planted) -> None:
    spectrum = measure_spectrum(planted.source, planted.table, high=250.0)
    edges = planted.table.edges
    windows = quiet_windows(spectrum, planted.table)
    background = with_model_spread(
        flight_background(spectrum, edges, windows), local_background(spectrum, edges)
    )
    assert spectrum.ranged is not None
    found = compose(planted.table, spectrum.ranged, background).atomic
    assert found.std_sys is not None
    for element, truth in planted.truth["whole_needle"].items():
        at = found.names.index(element)
        # ranges cut off some per cent of each peak's tail: 0.3 at.% for that
        error = float(np.hypot(found.std_stat[at], found.std_sys[at]))
        assert found.values[at] == pytest.approx(truth, abs=3.5 * error + 0.003), element


def test_regions_gradient_and_change_point_are_found(planted: Planted, along: Profile) -> None:
    below_cap = along.centres < -planted.layer("region 1")["from_depth"] - 0.5
    fractions = along.fraction("Pt").value
    top = fractions[below_cap][-3:].mean()
    bottom = fractions[
        (along.centres > -planted.layer("region 1")["to_depth"])
        & (along.centres < -planted.layer("region 1")["to_depth"] + 1.5)
    ].mean()
    # a range holds a share of the background, too
    assert top > 0.88
    assert bottom < 0.27
    found = segment_profile(along, "Pt")
    assert "gradient" in found.best.kinds
    places = [point.position for point in found.change_points]
    for layer in ("region 1", "region 2"):
        wanted = -planted.layer(layer)["from_depth"]
        assert min(abs(place - wanted) for place in places) <= 0.75, f"{layer}: {places}"


def test_region_2_is_homogeneous_and_the_whole_is_not(planted: Planted) -> None:
    labels = planted.table.species[
        planted.table.labels(planted.ions.mass_to_charge.astype(np.float32))
    ]
    names = [ion.formula for ion in planted.table.ions]
    alloy = np.isin(labels, [names.index("Li") + 1, names.index("Pt") + 1])
    platinum = labels == names.index("Pt") + 1
    flat = alloy & (planted.ions.z < -planted.layer("region 2")["from_depth"] - 0.5)
    places = planted.ions.positions
    inside = spatial_blocks(places[flat], platinum[flat], 50)
    for result in (dispersion_test(inside), frequency_test(inside)):
        assert result.p_value is not None
        assert result.p_value > 1e-3, result.sentence()
        assert result.smallest_effect is not None
        assert result.smallest_effect < 0.05, "a fluctuation of 5 at.% would have been seen"
    whole = spatial_blocks(places[alloy], platinum[alloy], 50)
    assert dispersion_test(whole).decision() == "segregated"
