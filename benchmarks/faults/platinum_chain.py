"""Faults of the chain between chip, lamellae and needle of the demonstration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.faults.fault import Fault, column
from benchmarks.faults.twin import Claims

__all__ = ["CHAIN"]

LOG_A, LOG_B = "suitcase-a.csv", "suitcase-b.csv"
LAMELLA = tuple(f"lamella-a/lamella-a_interphase_{part}.hspy" for part in ("low", "core", "edx"))
# what the suitcase did to lamella A is said of all that was cut from it
FROM_A = ("lamella A", "interphase A", "needle")
SPOT = "interphase A"


def _step(claims: Claims, title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(s for s in claims.study["step"] if s.get("title") == title)
    return found


def _warmed(claims: Claims) -> None:
    begin = int(claims.rng.uniform(300, 4200))
    warm = float(claims.rng.uniform(160, 220))
    claims.logs[LOG_A].update(warm_from=begin, warm_to=begin + 600, warm_to_K=warm)


def _gap(claims: Claims) -> None:
    begin = int(claims.rng.uniform(300, 4200))
    claims.logs[LOG_A].update(gap_from=begin, gap_to=begin + int(claims.rng.uniform(120, 600)))


def _leak(claims: Claims) -> None:
    begin = int(claims.rng.uniform(100, 900))
    claims.edit(LOG_B, column(2, lambda at, value: 1e-2 if at > begin else value))


def _stuck(claims: Claims) -> None:
    begin = int(claims.rng.uniform(50, 350))
    claims.edit(LOG_B, column(1, lambda at, value: 83.25 if at > begin else value))


def _zone(claims: Claims) -> None:
    hours = int(claims.rng.choice([1, 2, 9]))
    time = claims.study["series"][1]["mapping"]["time"]
    time["start"] = f"2026-03-{4 + (19 + hours) // 24:02d}T{(19 + hours) % 24:02d}:00:00+00:00"


def _logs_exchanged(claims: Claims) -> None:
    def exchange(path: Path) -> None:
        other = path.with_name(LOG_B)
        one, two = path.read_bytes(), other.read_bytes()
        path.write_bytes(two)
        other.write_bytes(one)

    claims.edit(LOG_A, exchange)


def _cut_warm(claims: Claims) -> None:
    _step(claims, "first lift-out")["conditions"]["temperature"] = "293 K"


def _session_warm(claims: Claims) -> None:
    _step(claims, "EELS, X-rays, dark field")["conditions"]["temperature"] = "293 K"


def _too_early(claims: Claims) -> None:
    """Lamella A was measured before it was cut."""
    hours = timedelta(hours=int(claims.rng.integers(7, 10)))
    for table in claims.study["measurement"]:
        if table["file"].startswith("lamella-a/"):
            table["start"] -= hours


def _overlap(claims: Claims) -> None:
    step = next(s for s in claims.study["step"] if s.get("name") == "suitcase B")
    step["end"] += timedelta(minutes=int(claims.rng.integers(45, 80)))


def _exposures(values: dict[str, Any] | None, claims: Claims) -> None:
    table = claims.measurement("interphase-a")  # the first file, of low losses
    if values is None:
        del table["exposures"]
    else:
        table["exposures"][0].update(values)


def _chain(
    name: str,
    where: str,
    plant: Callable[[Claims], None],
    rule: str,
    group: tuple[str, ...],
    names: tuple[str, ...],
) -> Fault:
    return Fault(name, where, plant, group, names, ("doubt", "note", "veto"), about=rule)


CHAIN = (
    _chain(
        "warmed in the suitcase",
        "log of suitcase A",
        _warmed,
        "frozen-warmed",
        FROM_A,
        ("lamella A",),
    ),
    _chain("gap of the sensor", "log of suitcase A", _gap, "sensor-gap", FROM_A, ("lamella A",)),
    _chain(
        "logs exchanged",
        "suitcases A and B",
        _logs_exchanged,
        "frozen-warmed|sensor-gap",
        (*FROM_A, "lamella B"),
        ("lamella A",),
    ),
    _chain(
        "cut at room temperature",
        "lift-out of lamella A",
        _cut_warm,
        "frozen-warmed|value-contradiction",
        FROM_A,
        ("lamella A",),
    ),
    _chain(
        "two temperatures of one session",
        "step against exposures of lamella A",
        _session_warm,
        "value-contradiction|frozen-warmed|warm",
        FROM_A,
        ("lamella A",),
    ),
    _chain(
        "clock wrong: measured before its sample existed",
        "start of lamella A's files",
        _too_early,
        "time-contradiction",
        FROM_A,
        ("lamella A",),
    ),
    _chain("air leak", "log of suitcase B", _leak, "vacuum", ("lamella B",), ("lamella B",)),
    _chain(
        "thermometer stuck", "log of suitcase B", _stuck, "stuck", ("lamella B",), ("lamella B",)
    ),
    _chain(
        "log in the wrong time zone",
        "mapping of the log of suitcase B",
        _zone,
        "time-contradiction",
        ("lamella B",),
        ("lamella B",),
    ),
    _chain(
        "overlapping steps",
        "suitcase B, on into the session",
        _overlap,
        "time-contradiction",
        ("lamella B",),
        ("lamella B",),
    ),
    _chain(
        "overdosed interphase",
        "exposure of the spot in the interphase",
        partial(_exposures, {"fluence": "66320 1/angstrom^2"}),
        "lif-dose",
        (SPOT,),
        (SPOT,),
    ),
    _chain(
        "session of the interphase warm",
        "exposure of the spot in the interphase",
        partial(_exposures, {"temperature": "293 K"}),
        "warm|value-contradiction",
        (SPOT,),
        (SPOT,),
    ),
    _chain(
        "dose missing",
        "exposure of the spot in the interphase",
        partial(_exposures, None),
        "dose",
        (SPOT,),
        (SPOT,),
    ),
)
