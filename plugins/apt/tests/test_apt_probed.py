"""What part of a needle findings speak of: extents and volumes of ions that were placed."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from apt_measurements import context, needle, of

from consilience.model.finding import FindingDraft, Probe, Region
from consilience.sizes import SIZES
from consilience_apt.analyses import run_composition, run_profile, run_spectrum
from consilience_apt.files.stream import IonSource, array_source, source_of
from consilience_apt.findings.drafts_spectrum import FRAME, WHOLE
from consilience_apt.findings.probed import with_extent
from consilience_apt.params import CompositionParams, ProfileParams, RegionSpec, SpectrumParams
from consilience_apt.simulation import Layer, NeedleParams
from consilience_apt.space.roi import Box, Cylinder, Slab
from consilience_apt.space.volumes import fillings

RADIUS, LENGTH = 15.0, 65.0


def cylinder(ions: int, seed: int = 1) -> IonSource:
    """Ions at random in a cylinder whose top is at z = 0."""
    chance = np.random.default_rng(seed)
    out, angle = RADIUS * np.sqrt(chance.random(ions)), 2 * np.pi * chance.random(ions)
    z = -LENGTH * chance.random(ions)
    return array_source(out * np.cos(angle), out * np.sin(angle), z, np.ones(ions))


@pytest.mark.parametrize("ions", [5_000, 12_000, 40_000, 200_000])
def test_volumes_of_cylinders_are_right_to_a_tenth(ions: int) -> None:
    parts = {
        "all": None,
        "slab": Slab(-60.0, -20.0, "z"),
        "half": Box((7.5, 0.0, -32.5), (15.0, 40.0, 80.0)),
        "core": Cylinder((0.0, 0.0, -32.5), 10.0, 40.0),
    }
    true = {
        "all": math.pi * RADIUS**2 * LENGTH,
        "slab": math.pi * RADIUS**2 * 40.0,
        "half": 0.5 * math.pi * RADIUS**2 * LENGTH,
        "core": math.pi * 100.0 * 40.0,
    }
    found = fillings(cylinder(ions), parts)
    assert set(found) == set(parts)
    for name, part in found.items():
        if part.volume is not None:
            assert part.volume == pytest.approx(true[name], rel=0.11), name
    known = {name for name, part in found.items() if part.volume is not None}
    assert known == ({"all"} if ions == 5_000 else {*parts} if ions > 12_000 else known)
    assert found["slab"].sides == pytest.approx((30.0, 30.0, 40.0), abs=0.5)
    assert found["half"].low[0] == pytest.approx(0.0, abs=0.1)


def draft(region: Region | None, **more: object) -> FindingDraft:
    return FindingDraft.model_validate({"kind": "x", "method": "m", "region": region, **more})


def test_each_region_has_its_own_size_and_unknown_stays_unknown() -> None:
    source = cylinder(60_000)
    box = {"shape": "box", "unit": "nm"}
    regions = {
        "whole": WHOLE,
        "slab": Region(**box, coordinates=[[-60.0], [-20.0]], frame=f"{FRAME}, z"),
        "box": Region(**box, coordinates=[[-20, -20, -60], [20, 20, -20]], frame=FRAME),
        "place": Region(shape="point", coordinates=[[-30.0]], unit="nm", frame=f"{FRAME}, axis"),
        "tilted": Region(**box, coordinates=[[1.0], [2.0]], frame=f"{FRAME}, axis"),
        "empty": Region(**box, coordinates=[[50, 50, 0], [60, 60, 9]], frame=FRAME),
        "named": Region(shape="cylinder", coordinates=[[0, 0, 0], [9, 9]], unit="nm", frame=FRAME,
                        label="core"),
    }  # fmt: skip
    drafts = [draft(region) for region in regions.values()]
    own = draft(WHOLE, probe=Probe())
    chosen = {"core": Cylinder((0.0, 0.0, -32.5), 10.0, 60.0)}
    *made, untouched, nowhere = with_extent([*drafts, own, draft(None)], source, chosen)
    assert untouched == own
    assert nowhere.probe is None
    sizes = {name: one.probe for name, one in zip(regions, made, strict=True)}
    assert sizes["tilted"] is None
    assert sizes["empty"] is None
    whole, slab, place, named = (sizes[n] for n in ("whole", "slab", "place", "named"))
    assert whole is not None
    assert slab is not None
    assert place is not None
    assert named is not None
    assert slab == sizes["box"]
    assert whole.depth is not None
    assert (whole.depth.value, whole.depth.unit) == (pytest.approx(65.0, abs=0.2), "nm")
    assert slab.depth is not None
    assert slab.depth.value == pytest.approx(40.0, abs=0.1)
    assert slab.volume is not None
    assert slab.volume.unit == "nm^3"
    assert place.lateral == whole.lateral
    assert (place.depth, place.volume) == (None, None)
    assert named.lateral is not None
    assert named.lateral.value == pytest.approx(20.0, abs=0.3)
    assert set(made[0].evidence[SIZES]) == {"depth", "lateral", "volume"}
    assert set(made[3].evidence[SIZES]) == {"lateral"}


def test_ions_without_positions_have_no_size() -> None:
    masses = xr.Dataset({"mass_to_charge": ("ion", np.ones(9000), {"units": "Da"})})
    flat = array_source(np.zeros(9000), np.zeros(9000), np.zeros(9000), np.ones(9000))
    for source in (source_of(masses), flat):
        (one,) = with_extent([draft(WHOLE)], source)
        assert one.probe is None
        assert SIZES not in one.evidence


def test_findings_of_a_simulated_needle_say_what_they_are_of(tmp_path: Path) -> None:
    layers = [
        Layer(name="cap", thickness=12.0, top={"Cr+": 1.0}),
        Layer(name="inner", thickness=30.0, top={"Li+": 0.5, "Pt++": 0.5}),
    ]
    params = NeedleParams(
        ions=14_000, radius=10.0, resolution=500.0, layers=layers, files=["epos", "rrng"]
    )
    one, where = needle(tmp_path / "n", params, 3), context(tmp_path, ["Li", "Pt", "Cr"])
    inner = RegionSpec(label="inner", shape="slab", direction="z", low=-40.0, high=-15.0)
    composition = run_composition([one], CompositionParams(regions=[inner]), where)
    whole, part = (of(composition, "composition", "Pt", name)[0] for name in ("whole", "inner"))
    for found, length in ((whole, 42.0), (part, 25.0)):
        assert found.probe is not None
        assert found.probe.depth is not None
        assert found.probe.depth.value == pytest.approx(length, rel=0.12)
        assert found.probe.lateral is not None
        assert found.probe.lateral.value == pytest.approx(20.0, rel=0.25)
    assert whole.probe is not None
    assert whole.probe.volume is not None
    assert whole.probe.volume.value == pytest.approx(math.pi * 100 * 42.0, rel=0.35)
    profile = run_profile([one], ProfileParams(simulations=0), where)
    assert all(f.probe is not None for f in profile.findings)
    spectrum = run_spectrum([one], SpectrumParams(), where)
    assert {f.probe for f in spectrum.findings} == {whole.probe}
