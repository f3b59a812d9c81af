"""The methods paragraph: what was recorded in the field's units, the rest as not recorded."""

from __future__ import annotations

import xarray as xr
from dose_samples import COLD, box, custody, cuts, electrons, q, record, step

from consilience.custody.account.completeness import FIELDS
from consilience.custody.account.methods import methods_text
from consilience.custody.account.phrases import celsius, conditions_text, list_of, time_text
from consilience.custody.custody import Custody
from consilience.declarations import Modality
from consilience.model.finding import Subject
from consilience.model.sample import Constituent, Sample, SensorSeries

EELS = Modality("eels", "electron energy loss", {}, {}, asks=tuple(FIELDS))
HERE = box(0, 0, 1, 1)


def text(known, *records, samples=()) -> str:
    return methods_text(known, records, {"eels": EELS}, samples)


def test_one_and_several_measurements():
    one = record("a", "lamella", electrons(50.0, temperature=COLD), region=HERE)
    assert "Electron energy loss: 1 measurement; energy 200 keV" in text(custody(one), one)
    two = record("b", "lamella", electrons(50.0, temperature=COLD), region=box(5, 5, 6, 6))
    assert "Electron energy loss: 2 measurements; energy" in text(custody(one, two), one, two)


def test_what_is_missing_is_not_recorded_and_counted_right():
    one = record("a", "lamella", electrons(50.0, temperature=COLD))
    assert text(custody(one), one).endswith(
        "energy 200 keV; dose 50 e/Å²; temperature 100 K; dose rate and atmosphere are not "
        "recorded."
    )
    silent = record("a", "lamella")
    assert text(custody(silent), silent).endswith(
        "1 measurement; energy, dose, dose rate, temperature and atmosphere are not recorded."
    )


def test_derived_doses_and_earlier_ones_are_told():
    first = record("a", "lamella", electrons(100.0), time="11:00", region=HERE)
    second = record(
        "b",
        "lamella",
        electrons(None, fluence_rate=q(10.0, "1/angstrom^2/s"), duration=q(5.0, "s")),
        region=HERE,
    )
    told = text(custody(first, second), second)
    assert "dose 50 e/Å² (derived)" in told
    assert "100 e/Å² of like energy before it on the same region" in told


def test_the_chain_of_a_lamella_and_of_what_it_was_cut_from():
    lift, sharpen = cuts()
    stored = step(
        "store",
        "chip",
        "store",
        "08:00",
        end="2026-03-01T09:30:00+00:00",
        conditions={"atmosphere": "Ar", "o2": "< 5 ppm", "h2o": q(0.1, "ppm")},
    )
    late = step("air", "chip", "expose", "11:00", conditions={"duration": q(15.0, "s")})
    moved = step(
        "move",
        "lamella",
        "transfer",
        "10:30",
        title="to the microscope",
        conditions={"carrier": "suitcase", "pressure": q(1e-8, "Pa"), "temperature": q(83.15, "K")},
    )
    eels = record("a", "lamella", electrons(50.0))
    told = text(custody(stored, late, lift, sharpen, moved, eels, cut=HERE), eels)
    chip, lamella = told.split("\n\n")
    assert chip == (
        "Sample chip: its preparation is not recorded. "
        "It was stored in Ar for 90 min (O₂ below 5 ppm, H₂O 0.1 ppm)."
    )
    assert lamella.startswith(
        "Sample lamella was cut from chip by lift-out; the place of the cut is box (0, 0), (1, 1) "
        "um in the frame 'stage'; temperature is not recorded. "
        "It was transferred (to the microscope) in a suitcase at 1 × 10⁻¹⁰ mbar at −190 °C; "
        "duration is not recorded."
    )
    assert "exposed" not in told, "what came after the cut is not the lamella's"
    assert "exposed to air for 15 s" in text(custody(stored, late), samples=["chip"])


def test_what_a_sensor_recorded_is_told_and_not_missed():
    moved = step(
        "move",
        "lamella",
        "transfer",
        "12:00",
        end="2026-03-01T14:00:00+00:00",
        conditions={"carrier": "suitcase"},
    )
    log = SensorSeries(
        id="se",
        step=moved.id,
        sample="lamella",
        file="suitcase.csv",
        sha256="0" * 64,
        array="a",
        columns={"temperature": "K", "pressure": "Pa"},
        rows=4,
        start="2026-03-01T12:00:00+00:00",
    )
    time = [0.0, 3600.0, 7200.0, 9000.0]
    data = xr.Dataset(
        {
            "temperature": ("time", [88.15, 153.15, 88.15, 300.0]),
            "pressure": ("time", [2e-6, 2e-6, 2e-6, 1e5]),
        },
        {"time": time},
    )
    samples = {"chip": Sample(id="chip"), "lamella": Sample(id="lamella", parent="chip")}

    def told(series: SensorSeries) -> str:
        known = Custody(samples, [moved], [series], {}, open_series=lambda _: data)
        return text(known, samples=["lamella"])

    assert told(log).endswith(
        "It was transferred in a suitcase for 2 h; temperature −185 to −120 °C and pressure "
        "2 × 10⁻⁸ mbar by its sensor log suitcase.csv."
    )
    gaps = log.model_copy(update={"problems": ["1 gap"]})
    assert told(gaps).endswith("by its sensor log suitcase.csv, with gaps or doubtful readings.")
    late = log.model_copy(update={"start": "2026-03-01T12:30:00+00:00"})
    assert told(late).endswith("by its sensor log suitcase.csv, for a part of the time.")


def test_a_cut_that_nobody_recorded():
    told = text(custody(), samples=["lamella"])
    assert told.endswith(
        "Sample lamella was cut from chip; the place of the cut is not recorded, when and how it "
        "was cut is not recorded."
    )


def test_what_was_weighed_in():
    mixed = step(
        "mix",
        "film",
        "prepare",
        conditions={"atmosphere": "Ar"},
        constituents=[
            Constituent(subject=Subject(formula="LiF", space_group=225), mass_fraction=0.25),
            Constituent(subject=Subject(formula="Si", space_group=227), mass_fraction=0.75),
        ],
        citation="p. 1",
    )
    told = text(custody(mixed, Sample(id="film", title="film on glass")), samples=["film"])
    assert told == (
        "Sample film (film on glass). It was prepared from LiF (25 wt%) and Si (75 wt%) in Ar."
    )


def test_a_search_without_a_measurement_is_told_by_its_step():
    search = step(
        "search",
        "lamella",
        "measure",
        "11:00",
        title="searching",
        conditions={"modality": "tem", "energy": q(200.0, "keV"), "current": q(17e-12, "A")},
    )
    told = text(custody(search), samples=["lamella"])
    assert "It was examined (searching) by TEM at 200 keV with 17 pA; " in told
    assert "temperature and atmosphere or pressure are not recorded." in told


def test_quantities_in_the_units_of_the_field():
    assert celsius(103.15) == "−170 °C"
    assert celsius(90.0) == "90 K"
    assert celsius(273.15) == "0 °C"
    assert celsius(85.52) == "−187.6 °C"
    assert [time_text(s) for s in (0.5, 90.0, 120.0, 5400.0, 7200.0, 172800.0)] == [
        "0.5 s",
        "90 s",
        "2 min",
        "90 min",
        "2 h",
        "2 d",
    ]
    frozen = step("f", "chip", "freeze", conditions={"method": "plunge", "liquid": "none"})
    assert conditions_text(frozen) == "by plunging with no liquid in it"
    mill = step("m", "chip", "mill", conditions={"ion": "Xe", "voltage": q(30000, "V")})
    assert conditions_text(mill) == "with Xe ions at 30 kV"


def test_lists():
    assert [list_of(w) for w in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_simulated_and_entered_measurements_say_so():
    records = [record("a", "lamella", origin="simulated"), record("b", "lamella", origin="entered")]
    told = text(custody(*records), *records)
    assert "Electron energy loss: 1 measurement (simulated)." in told
    assert "Electron energy loss: 1 measurement entered from a publication." in told
