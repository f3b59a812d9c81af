"""A needle like that of PtAnode: findings recover what was planted, under either forward model."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import pytest
from apt_measurements import context, needle, of

from consilience.analysis import AnalysisOutput
from consilience_apt.analyses import run_composition, run_homogeneity, run_profile
from consilience_apt.params import CompositionParams, HomogeneityParams, ProfileParams
from consilience_apt.simulation import pt_anode

pytestmark = pytest.mark.xdist_group("needle")  # the fixture is dear; one process makes it


@dataclass(frozen=True)
class Planted:
    """What was simulated, and what was found in it."""

    truth: dict[str, Any]
    composition: AnalysisOutput
    profile: AnalysisOutput
    homogeneity: AnalysisOutput


@pytest.fixture(scope="module", params=["first", "second"])
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    folder = tmp_path_factory.mktemp(request.param)
    one = needle(folder, pt_anode(request.param), 11)
    truth = json.loads((folder / "simulated-truth.json").read_text(encoding="utf-8"))
    where = context(folder, ["Li", "Pt", "Cr", "H"])
    return Planted(
        truth,
        run_composition([one], CompositionParams(), where),
        run_profile([one], ProfileParams(simulations=0), where),
        run_homogeneity([one], HomogeneityParams(), where),
    )


def error(draft: Any) -> float:
    """Statistical error with the known part of the systematic one."""
    return math.hypot(draft.std_stat, draft.evidence.get("std_sys_at_least") or 0.0)


def test_lithium_over_platinum(planted: Planted) -> None:
    (lithium,), (platinum,) = (of(planted.composition, "composition", e) for e in ("Li", "Pt"))
    assert lithium.value is not None
    assert platinum.value is not None
    share = lithium.value / (lithium.value + platinum.value)
    ions = planted.truth["ions"]
    lost = ions["Li+"], ions["Pt+"] + ions["Pt++"]
    wanted = lost[0] / sum(lost)
    assert share == pytest.approx(wanted, abs=4 * math.hypot(error(lithium), error(platinum)))
    assert lithium.std_stat == pytest.approx(0.0028, rel=0.1)
    assert lithium.std_sys is None


def test_change_points_with_errors(planted: Planted) -> None:
    cap, inner = (-one["depth"] for one in planted.truth["interfaces"])
    for element in ("Li", "Pt"):
        changes = of(planted.profile, "interface_position", element)
        nearest = min(changes, key=lambda one: abs((one.value or 0.0) - inner))
        assert nearest.std_stat is not None
        assert nearest.value == pytest.approx(inner, abs=max(5 * nearest.std_stat, 0.3))
        assert nearest.std_stat < 0.5
        assert nearest.std_sys is None
        assert any("no stated error" in text for text in nearest.assumptions)
        assert "evaporation-field contrast" in {r.subject.label for r in nearest.rivals if r.live}
    changes = of(planted.profile, "interface_position", "Cr")
    assert min(abs((one.value or 0.0) - cap) for one in changes) < 0.4


def test_region_1_is_a_gradient(planted: Planted) -> None:
    layer = planted.truth["layers"][1]
    length = layer["to_depth"] - layer["from_depth"]
    # z falls with depth: the top of the layer is the end of the stretch
    wanted = (layer["top"]["Pt"] - layer["bottom"]["Pt"]) / length
    found = max(of(planted.profile, "composition_gradient", "Pt"), key=lambda d: abs(d.value or 0))
    assert found.value is not None
    assert found.std_stat is not None
    # the second model's density varies and its background is not even
    assert found.value == pytest.approx(wanted, abs=max(4 * found.std_stat, 0.1 * wanted))


def test_compositions_of_the_regions_are_apart_from_the_volume(planted: Planted) -> None:
    wanted = planted.truth["layers"][2]["mean"]
    (whole,) = of(planted.composition, "composition", "Li")
    assert whole.region is not None
    assert whole.region.shape == "whole"
    for element in ("Li", "Pt"):
        (found,) = of(planted.profile, "composition", element, "stretch 1")
        assert found.region is not None
        assert found.region.shape == "box"
        assert found.value == pytest.approx(wanted[element], abs=4 * error(found) + 0.01)
    assert whole.value != found.value


def test_a_compound_is_consistent_and_never_proved(planted: Planted) -> None:
    phases = of(planted.profile, "phase")
    lipt = next(d for d in phases if d.subject is not None and d.subject.formula == "LiPt")
    assert lipt.status is None
    assert "cannot prove" in (lipt.reason or "")
    rivals = {r.subject.label for r in lipt.rivals if r.live}
    assert any("disordered alloy" in name for name in rivals)
    assert any("mixture" in name for name in rivals)


def test_region_2_shows_no_segregation(planted: Planted) -> None:
    tests = [d for d in of(planted.homogeneity, "homogeneity") if d.evidence["p_value"] is not None]
    assert len({d.evidence["test"] for d in tests}) >= 4
    found = {d.evidence["test"]: d for d in tests}
    for name in ("frequency distribution", "nearest neighbours", "radial distribution"):
        assert found[name].evidence["decision"] == "no deviation seen"
        assert found[name].evidence["smallest_effect"] is not None
        assert found[name].rivals == []
    said = " ".join(n.message for n in planted.homogeneity.notices)
    assert "gradient of" in said
