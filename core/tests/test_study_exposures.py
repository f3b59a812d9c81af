"""A dose that file and person both speak of is one dose."""

from __future__ import annotations

from consilience.model.base import Quantity
from consilience.model.measurement import Exposure
from consilience.study.exposures import completed


def exposure(particle="electron", **numbers: tuple[float, str]) -> Exposure:
    return Exposure(
        particle=particle, **{k: Quantity(value=v, unit=u) for k, (v, u) in numbers.items()}
    )


FILE = exposure(energy=(200.0, "keV"))


def test_a_person_fills_what_the_instrument_left_out():
    said = exposure(energy=(200.0, "keV"), fluence=(500.0, "1/angstrom^2")).model_copy(
        update={"source": "user"}
    )
    (joined,), notices = completed([FILE], [said])
    assert joined.energy == FILE.energy
    assert joined.fluence == said.fluence
    assert joined.source == "user"
    assert not notices


def test_another_unit_is_no_contradiction():
    (joined,), notices = completed([FILE], [exposure(energy=(200_000.0, "eV"))])
    assert joined == FILE
    assert not notices


def test_a_contradiction_is_said_and_the_file_stands():
    (joined,), (notice,) = completed([FILE], [exposure(energy=(300.0, "keV"))])
    assert joined.energy == FILE.energy
    assert notice.code == "dose-contradiction"
    assert notice.message == (
        "the file says energy 200 keV, the person who registered it 300 keV; the file's stands"
    )


def test_two_doses_of_one_particle_are_not_joined():
    said = [exposure(fluence=(1.0, "1/angstrom^2")), exposure(fluence=(2.0, "1/angstrom^2"))]
    assert completed([FILE], said)[0] == [FILE, *said]


def test_other_particles_stand_beside():
    ions = exposure("ion", fluence=(1.0, "1/nm^2"))
    assert completed([FILE], [ions]) == ([FILE, ions], [])
