"""Which conditions of steps are known, in which unit and bounds, and what a field asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from consilience.model.elements import SYMBOLS

__all__ = ["ANYWHERE", "ASKED", "GLOSSARY", "METRIC_SAID", "OTHER_NAMES", "OWN", "Condition"]


@dataclass(frozen=True)
class Condition:
    """A condition that the program understands.

    Parameters
    ----------
    name, title : str
    unit : str or None
        The unit it is stored in; None: words.
    low, high : float
        What can be, in `unit`, both ends included; `above` excludes the lower end.
    words : tuple of str
        Words that rules know.
    spelt : mapping
        Other spellings of them, in small letters.
    closed : bool
        Nothing but `words`.
    """

    name: str
    title: str
    unit: str | None = None
    low: float = float("-inf")
    high: float = float("inf")
    above: bool = False
    words: tuple[str, ...] = ()
    spelt: Mapping[str, str] = field(default_factory=dict)
    closed: bool = False


_GASES = {
    "argon": "Ar",
    "nitrogen": "N2",
    "dinitrogen": "N2",
    "helium": "He",
    "ambient": "air",
    "ambient air": "air",
    "laboratory air": "air",
    "high vacuum": "vacuum",
    "ultra-high vacuum": "UHV",
    "ultrahigh vacuum": "UHV",
}
_GAS_WORDS = ("Ar", "N2", "He", "CO2", "O2", "air", "dry air", "vacuum", "UHV")
_IONS = {"gallium": "Ga", "xenon": "Xe", "argon": "Ar", "oxygen": "O", "nitrogen": "N", "o2": "O"}
_METHODS = {
    "plunged": "plunge",
    "plunging": "plunge",
    "plunge freezing": "plunge",
    "plunge-frozen": "plunge",
    "pour": "poured",
    "poured ln2": "poured",
    "ln2 poured": "poured",
    "poured liquid nitrogen": "poured",
    "high-pressure": "high pressure",
    "cold stage": "stage",
}

GLOSSARY: dict[str, Condition] = {
    c.name: c
    for c in (
        Condition("atmosphere", "gas around the sample", words=_GAS_WORDS, spelt=_GASES),
        Condition("cover_gas", "gas that covers it on the way", words=_GAS_WORDS, spelt=_GASES),
        Condition("o2", "oxygen", "ppm", 0.0, 1e6),
        Condition("h2o", "water", "ppm", 0.0, 1e6),
        Condition("humidity", "relative humidity", "percent", 0.0, 100.0),
        Condition("duration", "how long it lasted", "s", 0.0),
        Condition("temperature", "temperature of the sample", "K", 0.0, 5000.0, above=True),
        Condition("pressure", "pressure around the sample", "Pa", 0.0, 1e11, above=True),
        Condition(
            "carrier",
            "what carried it",
            words=("suitcase", "vacuum suitcase", "shuttle", "bag", "holder", "test tube"),
            spelt={"uhv suitcase": "vacuum suitcase"},
        ),
        Condition(
            "method",
            "how it was frozen",
            words=("plunge", "poured", "high pressure", "stage"),
            spelt=_METHODS,
        ),
        Condition(
            "liquid",
            "what liquid is frozen",
            words=("none",),
            spelt={"no": "none", "no liquid": "none"},
        ),
        Condition("ion", "ion of the beam", words=tuple(sorted(SYMBOLS)), spelt=_IONS, closed=True),
        Condition("voltage", "voltage", "V", -1e7, 1e7),
        Condition("current", "current", "A"),
        Condition("material", "material of the coat, or what it was rinsed with"),
        Condition("thickness", "thickness", "nm", 0.0, above=True),
        Condition("modality", "technique, as its plugin calls it"),
        Condition("energy", "energy of the beam", "keV", 0.0, 1e7, above=True),
        Condition("fluence", "fluence", "1/angstrom^2", 0.0),
        Condition("fluence_rate", "fluence rate", "1/angstrom^2/s", 0.0),
        Condition("reason", "why"),
    )
}
"""Name to what is known of a condition."""

OTHER_NAMES = {
    "temp": "temperature",
    "oxygen": "o2",
    "water": "h2o",
    "moisture": "h2o",
    "relative_humidity": "humidity",
    "rh": "humidity",
    "gas": "atmosphere",
    "time": "duration",
    "dose_rate": "fluence_rate",
    "flux": "fluence_rate",
    "solvent": "material",
    "technique": "modality",
    "acceleration_voltage": "voltage",
}
"""Other names of known conditions: they are refused with the known one."""

ANYWHERE = frozenset(
    "atmosphere cover_gas o2 h2o humidity duration temperature pressure reason".split()
)
"""Conditions that any step can have."""

OWN: dict[str, frozenset[str]] = {
    "prepare": frozenset({"material", "method"}),
    "cycle": frozenset({"voltage", "current"}),
    "bias": frozenset({"voltage", "current"}),
    "disassemble": frozenset(),
    "rinse": frozenset({"material", "method"}),
    "dry": frozenset({"method"}),
    "store": frozenset({"carrier"}),
    "transfer": frozenset({"carrier"}),
    "freeze": frozenset({"method", "liquid", "carrier"}),
    "warm": frozenset(),
    "mill": frozenset({"ion", "voltage", "current", "energy", "fluence", "fluence_rate"}),
    "lift_out": frozenset({"ion", "voltage", "current", "method", "energy", "fluence"}),
    "coat": frozenset({"material", "thickness", "method", "ion", "voltage", "current"}),
    "expose": frozenset(),
    "measure": frozenset("modality energy fluence fluence_rate voltage current carrier".split()),
}
"""Step type to the conditions that belong to it, beside those that any step can have."""

ASKED: dict[str, tuple[str, ...]] = {
    "prepare": ("atmosphere",),
    "cycle": ("temperature",),
    "bias": ("voltage", "temperature"),
    "disassemble": ("atmosphere", "o2", "h2o"),
    "rinse": ("material", "atmosphere"),
    "dry": ("atmosphere", "temperature"),
    "store": ("atmosphere", "o2", "h2o", "duration"),
    "transfer": ("carrier", "temperature", "pressure or cover_gas or atmosphere", "duration"),
    "freeze": ("method", "liquid", "atmosphere"),
    "warm": ("temperature", "atmosphere"),
    "mill": ("ion", "voltage", "current", "temperature"),
    "lift_out": ("temperature",),
    "coat": ("material", "thickness"),
    "expose": ("duration", "humidity"),
    "measure": ("modality", "temperature", "atmosphere or pressure"),
}
"""Step type to what a reader needs to judge it; "a or b": one of them is enough."""

METRIC_SAID: dict[str, str] = {
    "air_seconds": "enter a step of type 'expose' with its duration, for example duration = '10 s'",
    "air_seconds_since_mill": "enter a step of type 'expose' after the mill, with its duration",
    "storage_hours": "enter a step of type 'store' with its duration, or with start and end",
    "storage_hours_before_cut": "enter a step of type 'store' of the parent, with its duration",
    "hours_since_cut": "give the step that cut the sample its start and end",
    "coated": "enter a step of type 'coat' with its material",
    "frozen_liquid": "enter a step of type 'freeze' with 'liquid', or liquid = 'none'",
    "electron_fluence": "write 'fluence' on the 'measure' step, or an exposure of the measurement",
    "electron_fluence_rate": "write 'fluence_rate' on the 'measure' step",
    "electron_energy": "write 'energy' or 'voltage' on the 'measure' step",
    "photon_fluence": "write an exposure of the measurement with particle = 'photon'",
    "peak_temperature": "write 'temperature' on the step, or import the log of its sensor",
    "peak_pressure": "write 'pressure' on the step, or import the log of its sensor",
    "seconds_above": "write 'temperature' and 'duration' on the step, or import its sensor's log",
    "o2_ppm_hours": "write 'o2' and 'duration' on the step, or import the log of its sensor",
    "h2o_ppm_hours": "write 'h2o' and 'duration' on the step, or import the log of its sensor",
}
"""Metrics that people may want to enter, and the way to say it."""
