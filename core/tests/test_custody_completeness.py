"""What is reported of a measurement: given, derived or missing."""

from __future__ import annotations

import pytest
from dose_samples import COLD, box, custody, electrons, photons, q, record, step

from consilience.custody.account.completeness import FIELDS, completeness_of
from consilience.declarations import Modality
from consilience.errors import BadInputError
from consilience.model.measurement import Exposure
from consilience.registry import Registry

ALL = tuple(FIELDS)
HERE = box(0, 0, 1, 1)


def states(known, of) -> dict[str, str]:
    (found,) = completeness_of(known, [of], {of.modality: ALL})
    return {field.name: field.status for field in found.fields}


def chain(**conditions):
    return (
        step(
            "store",
            "lamella",
            "store",
            "09:00",
            end="2026-03-01T10:00:00+00:00",
            conditions={"atmosphere": "Ar"},
        ),
        step("transfer", "lamella", "transfer", "10:30", conditions={"carrier": "holder"}),
        step("eels", "lamella", "measure", "11:59", conditions={"modality": "eels", **conditions}),
    )


def test_a_measurement_that_says_nothing():
    silent = record("silent", "lamella")
    (found,) = completeness_of(custody(silent), [silent], {"eels": ALL})
    assert {field.status for field in found.fields} == {"missing"}
    assert found.percent == 0.0


def test_a_measurement_that_says_it_all():
    told = record(
        "told",
        "lamella",
        electrons(50.0, fluence_rate=q(100.0, "1/angstrom^2/s"), temperature=COLD),
        region=HERE,
    )
    known = custody(told, *chain(pressure=q(1e-6, "Pa"), temperature=q(COLD, "K")))
    assert states(known, told) == {
        "dose": "given",
        "dose_rate": "given",
        "energy": "given",
        "temperature": "given",
        "atmosphere": "given",
        "transfer": "given",
        "storage": "derived",
    }
    (found,) = completeness_of(known, [told], {"eels": ALL})
    assert found.percent == 100.0
    assert found.to_json()["fields"]["dose"] == {"status": "given", "text": "50 e/Å²"}


def test_what_follows_is_derived_with_its_formula():
    exposure = Exposure(
        particle="electron",
        energy=q(200.0, "keV"),
        fluence_rate=q(100.0, "1/angstrom^2/s"),
        duration=q(2.0, "s"),
        source="user",
    )
    told = record("told", "lamella", exposure)
    (found,) = completeness_of(custody(told), [told], {"eels": ("dose", "dose_rate")})
    assert [(f.status, f.text) for f in found.fields] == [
        ("derived", "rate × t = 100 e/Å²/s × 2 s = 200 e/Å²"),
        ("given", "100 e/Å²/s"),
    ]


def test_one_transfer_without_its_conditions_leaves_the_field_missing():
    told = record("told", "lamella", electrons(50.0))
    silent = step("second", "lamella", "transfer", "11:00", title="to the microscope")
    (found,) = completeness_of(custody(told, *chain(), silent), [told], {"eels": ("transfer",)})
    (field,) = found.fields
    assert (field.status, field.text) == (
        "missing",
        "1 transfer without its conditions: 'to the microscope'",
    )
    late = step("later", "lamella", "transfer", "15:00", title="back")
    assert states(custody(told, *chain(), late), told)["transfer"] == "given"


def test_a_place_in_the_chain_that_is_not_known_is_not_reported():
    told = record("told", "lamella", electrons(50.0), time=None)
    stored = step(
        "s", "lamella", "store", conditions={"atmosphere": "Ar", "duration": q(3600, "s")}
    )
    (found,) = completeness_of(custody(told, stored), [told], {"eels": ("storage",)})
    assert found.fields[0].status == "missing"
    assert found.fields[0].text == "1 storage in an order that is not known"


def test_only_what_the_technique_asks_for_counts():
    xrd = record("xrd", "lamella", photons(1e9), modality="xrd")
    known = custody(xrd)
    (found,) = completeness_of(known, [xrd], {"xrd": ("dose", "energy", "temperature")})
    assert found.percent == pytest.approx(200 / 3)
    (nothing,) = completeness_of(known, [xrd], {})
    assert (nothing.fields, nothing.percent) == ((), None)


def test_simulated_and_entered_measurements_are_not_asked():
    records = [record("a", "lamella", origin="simulated"), record("b", "lamella", origin="entered")]
    assert completeness_of(custody(*records), records, {"eels": ALL}) == []


def test_a_field_that_is_not_known_is_refused():
    told = record("told", "lamella")
    with pytest.raises(BadInputError, match="asks for 'colour', which is not known"):
        completeness_of(custody(told), [told], {"eels": ("colour",)})


def test_every_technique_asks_for_fields_that_are_known():
    modalities = {m.key: m.asks for m in Registry.discover().all(Modality)}
    assert set(modalities) >= {"apt", "compton", "eels", "xrd", "xrf"}
    assert set(modalities["eels"]) == set(ALL)
    for key in ("apt", "compton", "eels", "xrd", "xrf"):
        assert modalities[key], key
        assert set(modalities[key]) <= set(ALL), key


def test_a_way_before_the_cut_is_no_transfer_of_the_lamella():
    told = record("told", "lamella", electrons(50.0))
    before = step("way", "chip", "transfer", "08:00", conditions={"carrier": "suitcase"})
    cut = step("cut", "chip", "lift_out", "09:00", derives="lamella", title="lift-out")
    after = step("out", "lamella", "transfer", "10:00", conditions={"carrier": "holder"})
    (found,) = completeness_of(custody(told, before, cut), [told], {"eels": ("transfer",)})
    assert (found.fields[0].status, found.fields[0].text) == (
        "missing",
        "no transfer is recorded since lift-out",
    )
    (found,) = completeness_of(custody(told, before, cut, after), [told], {"eels": ("transfer",)})
    assert (found.fields[0].status, found.fields[0].text) == ("given", "holder")
