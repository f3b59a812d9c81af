"""Faults of the chip, its lamella and their chain; of maps, states, clocks and controls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.faults.fault import Fault, column, substituted
from benchmarks.faults.tables import LOG
from benchmarks.faults.twin import Claims

__all__ = ["FAULTS", "transposed"]

CHIP, CONTROL = ("chip",), ("blank",)
LAMELLA = "lamella/lamella_interphase_low.hspy"
MAP = "chip-map/chip-map-xrf-maps.nxs"


def _conditions(step: str, values: dict[str, Any], claims: Claims) -> None:
    claims.step(step)["conditions"].update(values)


def _log(claims: Claims, **values: float) -> None:
    claims.logs[LOG].update(values)


def _warmed(claims: Claims) -> None:
    begin = int(claims.rng.uniform(300, 2400))
    _log(
        claims, warm_from=begin, warm_to=begin + 600, warm_to_K=float(claims.rng.uniform(160, 220))
    )


def _gap(claims: Claims) -> None:
    begin = int(claims.rng.uniform(300, 2400))
    _log(claims, gap_from=begin, gap_to=begin + int(claims.rng.uniform(120, 600)))


def _leak(claims: Claims) -> None:
    begin = int(claims.rng.uniform(100, 500))
    claims.edit(LOG, column(2, lambda at, value: 1e-2 if at > begin else value))


def _stuck(claims: Claims) -> None:
    begin = int(claims.rng.uniform(50, 300))
    claims.edit(LOG, column(1, lambda at, value: 83.25 if at > begin else value))


def _zone(claims: Claims) -> None:
    hours = int(claims.rng.choice([1, 2, 9]))
    time = claims.study["series"][0]["mapping"]["time"]
    time["start"] = time["start"].replace("T09", f"T{9 + hours:02d}")


def _stale(claims: Claims) -> None:
    """All that follows the storage is some days later."""
    days = timedelta(days=int(claims.rng.integers(4, 9)))
    claims.step("store")["end"] += days
    for name in ("freeze", "suitcase", "cut", "thin", "session"):
        for key in ("start", "end"):
            claims.step(name)[key] += days
    claims.measurement("lamella")["start"] += days
    time = claims.study["series"][0]["mapping"]["time"]
    time["start"] = (datetime.fromisoformat(time["start"]) + days).isoformat()


def _exposure(values: dict[str, Any], claims: Claims) -> None:
    claims.measurement("lamella")["exposures"][0].update(values)


def _at(name: str, claims: Claims, **when: int) -> None:
    table = claims.measurement(name)
    table["start"] = table["start"].replace(**when)


def _before_cut(claims: Claims) -> None:
    _at("lamella", claims, hour=int(claims.rng.integers(7, 9)))


def _after_cycling(claims: Claims) -> None:
    _at("chip-made", claims, day=4, hour=6)


def _overlap(claims: Claims) -> None:
    step = claims.step("store")
    step["end"] = step["end"].replace(hour=9, minute=int(claims.rng.integers(20, 59)))


def _state(name: str, state: dict[str, Any], claims: Claims) -> None:
    claims.measurement(name)["state"] = state


def _phases(name: str, phases: dict[str, float], claims: Claims) -> None:
    claims.params(name)["phases"] = phases


def _map(change: Callable[[Any], Any], claims: Claims) -> None:
    """Change all maps of the XRF file: the last two dimensions are y and x."""

    def edit(path: Path) -> None:
        import h5py

        with h5py.File(path, "r+") as file:
            found: list[str] = []
            file.visititems(
                lambda name, item: (
                    found.append(name)
                    if isinstance(item, h5py.Dataset) and item.ndim >= 2 and item.dtype.kind == "f"
                    else None
                )
            )
            for name in found:
                data = file[name]
                if data.shape[-2:] == (9, 12):
                    data[...] = change(data[...])

    claims.edit(MAP, edit)


def transposed(values: Any) -> Any:
    """Rows written as columns: the order of the points is that of the other axis."""
    shape = values.shape
    return np.swapaxes(values, -1, -2).reshape(shape)


def _removed(name: str, claims: Claims) -> None:
    claims.study["measurement"].remove(claims.measurement(name))


def _chain(
    name: str,
    where: str,
    plant: Callable[[Claims], None],
    rule: str,
    signs: tuple[str, ...] = ("doubt", "note", "veto"),
) -> Fault:
    return Fault(name, where, plant, ("lamella",), ("lamella", LAMELLA), signs, about=rule)


CUSTODY = (
    _chain("warmed in the suitcase", "log of the suitcase", _warmed, "frozen-warmed"),
    _chain("gap of the sensor", "log of the suitcase", _gap, "sensor-gap"),
    _chain("air leak", "log of the suitcase", _leak, "vacuum"),
    _chain("thermometer stuck", "log of the suitcase", _stuck, "sensor-stuck"),
    _chain("log in the wrong time zone", "mapping of the log", _zone, "time-contradiction"),
    _chain("stale storage, 4 to 8 days", "store step", _stale, "two-days-before-cut"),
    _chain(
        "overdosed interphase",
        "exposure of the lamella's session",
        partial(_exposure, {"fluence": "30000 1/angstrom^2", "fluence_rate": "500 1/angstrom^2/s"}),
        "dose",
    ),
    _chain(
        "clock wrong: measured before its sample existed",
        "start of the lamella's session",
        _before_cut,
        "time-contradiction",
    ),
    _chain(
        "overlapping steps",
        "storage, on after the suitcase left",
        _overlap,
        "time-contradiction",
    ),
    _chain(
        "Ga⁺ at room temperature",
        "thinning",
        partial(_conditions, "thin", {"ion": "Ga", "temperature": "295 K"}),
        "gallium",
    ),
    _chain(
        "two temperatures of one session",
        "step against file",
        partial(_conditions, "session", {"temperature": "293 K"}),
        "value-contradiction",
    ),
)

FAULTS = (
    *CUSTODY,
    Fault(
        "state mislabelled (cycle 50 as cycle 0)",
        "second pattern of the cycled chip",
        partial(_state, "chip-again", {"cycle": 0}),
        CHIP,
        ("chip-again/chip-again.xye",),
        about="phase LiPt$",
    ),
    Fault(
        "phase swapped in one technique (Li2Pt for LiPt)",
        "second pattern of the cycled chip",
        partial(_phases, "chip-again", {"Li2Pt": 9000.0, "LiF": 6000.0}),
        CHIP,
        ("chip-again/chip-again.xye",),
        about="phase LiPt$",
    ),
    Fault(
        "clock wrong: first pattern dated after cycling",
        "start of the pattern as made",
        _after_cycling,
        CHIP,
        ("chip-made/chip-made.xye",),
        about="core.presence phase Pt$",
    ),
    Fault(
        "control contaminated with LiF",
        "pattern of the blank",
        partial(_phases, "blank", {"Si": 8000.0, "LiF": 3000.0}),
        CONTROL,
        ("blank",),
        about="core.control",
    ),
    Fault(
        "control missing",
        "pattern of the blank",
        partial(_removed, "blank"),
        CONTROL,
        ("blank",),
        about="core.control",
    ),
    Fault(
        "energy scale of XRF off by 3 %",
        "calibration in the file",
        lambda claims: claims.edit(
            "chip-lines/chip-lines.mca",
            substituted(r"^#@CALIB -0\.02 0\.01 0\.0", "#@CALIB -0.02 0.0103 0.0"),
        ),
        CHIP,
        ("chip-lines/chip-lines.mca",),
        about="core.presence element|xrf.elements",
    ),
    Fault(
        "shifted map, by 4 points",
        "XRF maps of the chip",
        partial(_map, lambda values: np.roll(values, 4, axis=-1)),
        CHIP,
        (MAP,),
        about="map",
    ),
    Fault(
        "map with rows and columns exchanged",
        "XRF maps of the chip",
        partial(_map, transposed),
        CHIP,
        (MAP,),
        about="map",
    ),
    Fault(
        "map mirrored",
        "XRF maps of the chip",
        partial(_map, lambda values: values[..., ::-1]),
        CHIP,
        (MAP,),
        about="map",
        size="hidden",
    ),
)
