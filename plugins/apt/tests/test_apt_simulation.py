"""The simulator without noise against outside sources, with noise against itself, and its files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from consilience_apt.files.probe import EPOS_RECORD, RECORD, SIMULATED, is_simulated, simulated_mark
from consilience_apt.files.range_files import read_ranges
from consilience_apt.ranges import assign_charges
from consilience_apt.simulation import (
    BACKGROUND,
    Clusters,
    Layer,
    NeedleParams,
    atomic_shares,
    draw_ions,
    expected_shares,
    expected_spectrum,
    ion_blocks,
    needle_ranges,
    needle_shares,
    profile_truth,
    pt_anode,
    simulate_needle,
)
from consilience_apt.simulation.files import EPOS

MODELS = ("first", "second")


def one_layer(shares: dict[str, float], **more: object) -> NeedleParams:
    layer = Layer(name="all", thickness=40.0, top=shares)
    return NeedleParams.model_validate({"layers": (layer,), "background": 0.0, **more})


# IUPAC isotopic compositions as published in M. Berglund, M. E. Wieser, Pure Appl. Chem. 83
# (2011) 397, table 1; masses (Da) of neutral atoms from the atomic mass evaluation of 2016
PUBLISHED = {
    "Ni+": [(57.9353, 0.68077), (59.9308, 0.26223), (60.9311, 0.01140), (61.9283, 0.03635)],
    "Si++": [(27.9769, 0.92223), (28.9765, 0.04685), (29.9738, 0.03092)],
    "Cr+": [(49.9460, 0.04345), (51.9405, 0.83789), (52.9406, 0.09501), (53.9389, 0.02365)],
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("ion", PUBLISHED)
def test_isotopes_without_noise_are_the_published_ones(ion: str, model: str) -> None:
    charge = ion.count("+")
    params = one_layer({ion: 1.0}, ions=1_000_000, resolution=5000.0, tail=0.0, model=model)
    for mass, abundance in PUBLISHED[ion]:
        at = (mass - charge * 5.4858e-4) / charge
        (counts,) = expected_spectrum(params, np.array([at - 0.2, at + 0.2]))
        assert counts / 1e6 == pytest.approx(abundance, abs=2.5e-3)
        edges = np.linspace(at - 0.1, at + 0.1, 201)
        inside = expected_spectrum(params, edges)
        centre = inside @ (edges[1:] + edges[:-1]) / 2 / inside.sum()
        assert centre == pytest.approx(at, abs=1e-3)


def test_lithium_is_within_its_published_interval() -> None:
    # J. Meija et al., Pure Appl. Chem. 88 (2016) 293: terrestrial 6Li is 0.019 to 0.078, so that a
    # single number is a convention
    params = one_layer({"Li+": 1.0}, ions=1_000_000, resolution=5000.0, tail=0.0)
    light, heavy = expected_spectrum(params, np.array([5.8, 6.5, 7.2])) / 1e6
    assert 0.019 < light < 0.078
    assert light + heavy == pytest.approx(1.0)


def test_a_molecular_ion_has_the_multinomial_pattern() -> None:
    params = one_layer({"Cl2+": 1.0}, ions=1_000_000, resolution=5000.0, tail=0.0)
    heavy = 0.2424  # 37Cl, Berglund and Wieser 2011
    for mass, share in (
        (69.938, (1 - heavy) ** 2),
        (71.935, 2 * heavy * (1 - heavy)),
        (73.932, heavy**2),
    ):
        (counts,) = expected_spectrum(params, np.array([mass - 0.3, mass + 0.3]))
        assert counts / 1e6 == pytest.approx(share, abs=2e-3)


@pytest.mark.parametrize("model", MODELS)
def test_the_peak_has_the_width_asked_for(model: str) -> None:
    params = one_layer({"Al+": 1.0}, ions=1_000_000, resolution=400.0, tail=0.0, model=model)
    mass = 26.98153843 - 5.48579909e-4
    edges = np.linspace(mass - 0.2, mass + 0.2, 4001)
    counts = expected_spectrum(params, edges)
    above = np.flatnonzero(counts >= counts.max() / 2)
    assert (edges[above[-1] + 1] - edges[above[0]]) == pytest.approx(mass / 400.0, rel=0.01)


def test_background_of_the_first_model_is_constant_in_time_of_flight() -> None:
    params = one_layer({"Al+": 1.0}, ions=1000, background=1.0)
    roots = np.linspace(1.0, 14.0, 14)
    counts = expected_spectrum(params, roots**2)
    np.testing.assert_allclose(counts, counts[0], rtol=1e-12)
    other = expected_spectrum(params.model_copy(update={"model": "second"}), roots**2)
    assert other[0] > 1.3 * other[-1], "the second model's background falls"


@pytest.mark.parametrize("model", MODELS)
def test_what_is_drawn_is_what_is_expected(model: str) -> None:
    params = pt_anode(model).model_copy(update={"ions": 60_000, "tail": 0.3, "background": 0.2})
    edges = np.linspace(0.0, 250.0, 501)
    expected = expected_spectrum(params, edges)
    assert expected.sum() == pytest.approx(params.ions, rel=1e-3)
    # the second model varies how many ions each depth gives, and so the needle's mean: average
    counts = sum(
        np.histogram(draw_ions(params, seed).mass_to_charge, edges)[0] for seed in range(5)
    )
    many = expected > 20
    ratio = ((counts - 5 * expected) ** 2 / (5 * expected))[many].mean()
    limit = 1.0 + 4.5 * (2.0 / many.sum()) ** 0.5
    assert 0.6 < ratio < (limit if model == "first" else 8.0)


@pytest.mark.parametrize("model", MODELS)
def test_layers_gradient_and_interface_are_where_they_were_planted(model: str) -> None:
    layers = (
        Layer(name="a", thickness=10.0, top={"Al+": 1.0}, blur=0.8),
        Layer(name="b", thickness=20.0, top={"Ni+": 0.8, "Al+": 0.2}, bottom={"Al+": 1.0}),
    )
    params = NeedleParams(ions=200_000, layers=layers, model=model, background=0.0, shank=3.0)
    at = np.array([0.0, 10.0, 20.0, 30.0])
    shares = expected_shares(params, at)[:, params.species.index("Ni+")]
    np.testing.assert_allclose(shares, [0.0, 0.4, 0.4, 0.0], atol=1e-3)
    ions = draw_ions(params, 1)
    edges = np.linspace(0.0, 30.0, 16)
    k = np.histogram(-ions.z[ions.species == params.species.index("Ni+")], edges)[0]
    n = np.histogram(-ions.z, edges)[0]
    truth = np.array([row.get("Ni", 0.0) for row in profile_truth(params, edges)])
    np.testing.assert_allclose(k / n, truth, atol=5 * (0.25 / n.min()) ** 0.5)
    if model == "first":  # a cone: areas, and so densities, grow as published for any cone
        radius = 20.0 + edges * np.tan(np.radians(3.0))
        volume = np.diff(radius**3)
        np.testing.assert_allclose(n / n.sum(), volume / volume.sum(), rtol=0.05)


def test_clusters_are_spheres_of_their_composition() -> None:
    params = one_layer({"Al+": 0.95, "Cu+": 0.05}, ions=100_000).model_copy(
        update={"clusters": Clusters(layer=0, number=20, radius=3.0, ions={"Cu+": 1.0})}
    )
    ions = draw_ions(params, 2)
    copper = ions.species == params.species.index("Cu+")
    volume = 20 * 4 / 3 * np.pi * 27 / (np.pi * 20**2 * 40)
    # spheres may overlap, so that they fill less
    assert 0.05 + 0.7 * 0.95 * volume < copper.mean() < 0.05 + 1.02 * 0.95 * volume


def test_hits_of_one_pulse_and_their_numbers() -> None:
    params = one_layer({"Al+": 1.0}, ions=50_000, multiples=0.2)
    ions = draw_ions(params, 3)
    further = ions.pulses_since == 0
    assert further.mean() == pytest.approx(0.2, abs=0.01)
    np.testing.assert_array_equal(further, ions.ions_per_pulse == 0)
    assert ions.ions_per_pulse.sum() == len(ions)
    assert ions.pulses_since[~further].mean() == pytest.approx(100.0, rel=0.05)
    # flight times belong to masses, voltages and paths: m = 2 e V (t/L)²
    path = np.hypot(100.0, np.hypot(ions.detector_x, ions.detector_y)) * 1e-3
    volts = ions.voltage + ions.pulse_voltage
    mass = 2 * 1.602176634e-19 * volts * (ions.time_of_flight * 1e-9 / path) ** 2
    np.testing.assert_allclose(mass / 1.66053906892e-27, ions.mass_to_charge, rtol=1e-9)
    assert np.corrcoef(np.arange(len(ions)), -ions.z)[0, 1] > 0.95, "evaporated from the top"


def test_like_ions_of_one_pulse_get_lost() -> None:
    params = one_layer({"Al+": 0.8, "Ni+": 0.2}, ions=50_000, multiples=0.3, like_loss=1.0)
    ions = draw_ions(params, 4)
    assert len(ions) == pytest.approx(50_000 * (1 - 0.3 * (0.64 + 0.04)), rel=0.02)
    assert (ions.species == 0).mean() < 0.78
    assert ions.ions_per_pulse.sum() == len(ions)


def test_blocks_have_bounded_size_and_all_ions() -> None:
    params = NeedleParams(ions=600_000)
    sizes = [len(block) for block in ion_blocks(params, 1)]
    assert sum(sizes) == 600_000
    assert len(sizes) == 3


def test_pt_anode_is_as_published() -> None:
    params = pt_anode()
    depth = np.array([5.3, 17.1, 17.4, 60.0])
    shares = expected_shares(params, depth)
    platinum = [atomic_shares(params, row) for row in shares]
    ratio = [one["Pt"] / (one["Pt"] + one["Li"]) for one in platinum]
    assert ratio[0] > 0.95
    assert ratio[1] < 0.2
    assert ratio[2] == ratio[3] == pytest.approx(0.5, abs=0.02)
    whole = atomic_shares(params, needle_shares(params))
    assert whole["Li"] / (whole["Li"] + whole["Pt"]) == pytest.approx(14412 / 29396, abs=5e-4)
    ions = draw_ions(params, 1)
    lithium = int((ions.species == params.species.index("Li+")).sum())
    assert lithium == pytest.approx(14412, abs=500)


@pytest.mark.parametrize("model", MODELS)
def test_files_say_simulated_and_the_truth_lies_apart(tmp_path: Path, model: str) -> None:
    params = pt_anode(model, scale=0.05).model_copy(update={"files": ("pos", "epos", "rrng")})
    paths = simulate_needle(params, 1, tmp_path)
    assert [path.name for path in paths] == [f"simulated.{s}" for s in ("pos", "epos", "rrng")]
    pos, epos, rrng = paths
    for path, record in ((pos, RECORD), (epos, EPOS_RECORD)):
        data = path.read_bytes()
        assert data.startswith(simulated_mark(record))
        assert is_simulated(data[:16])
        assert len(data) == record * (params.ions + 1)
    table = np.frombuffer(epos.read_bytes(), EPOS)[1:]
    plain = np.frombuffer(pos.read_bytes(), ">f4").reshape(-1, 4)[1:]
    for i, name in enumerate(("x", "y", "z", "mass_to_charge")):
        np.testing.assert_array_equal(table[name], plain[:, i])
    assert (table["voltage"] > 1000).all()
    read, unsettled = assign_charges(read_ranges(rrng))
    assert not unsettled
    assert [one.ion for one in read.ranges] == [one.ion for one in needle_ranges(params).ranges]
    np.testing.assert_array_equal(read.edges, needle_ranges(params).edges)
    truth = json.loads((tmp_path / "simulated-truth.json").read_text())
    assert truth["simulated"] is True
    assert sum(truth["ions"].values()) == params.ions
    assert [layer["name"] for layer in truth["layers"]] == ["cap", "region 1", "region 2"]


def test_the_mark_of_an_unknown_record() -> None:
    assert simulated_mark() == SIMULATED
    with pytest.raises(ValueError, match="records of 12 bytes are neither"):
        simulated_mark(12)


def test_one_ion_is_a_needle_too(tmp_path: Path) -> None:
    (path,) = simulate_needle(NeedleParams(ions=1), 1, tmp_path)
    assert path.stat().st_size == 2 * RECORD
    ions = draw_ions(NeedleParams(ions=1, background=1.0), 1)
    assert ions.species.tolist() == [BACKGROUND]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": [{"name": "x", "thickness": 1, "top": {"Xx+": 1}}]}, "no chemical element"),
        ({"layers": [{"name": "x", "thickness": 1, "top": {"Tc+": 1}}]}, "no natural isotopes"),
        ({"layers": [{"name": "x", "thickness": 1, "top": {"Cr": 1}}]}, "has no charge"),
        ({"layers": [{"name": "x", "thickness": 1, "top": {"Cr+": 0}}]}, "no ion has a share"),
        ({"layers": []}, "at least 1 item"),
        ({"ions": 0}, "greater than or equal to 1"),
        ({"files": ["rrng"]}, "a range file alone is no measurement"),
        (
            {"clusters": {"layer": 7, "number": 1, "radius": 1, "ions": {"Cu+": 1}}},
            "clusters in layer 7, but there are 2 layers",
        ),
    ],
)
def test_impossible_needles_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(Exception, match=message) as caught:
        NeedleParams.model_validate(change)
    assert isinstance(caught.value, ValidationError) or hasattr(caught.value, "fix")
