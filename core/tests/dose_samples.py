"""A chip, a lamella cut from it, a needle cut from that, and measurements that irradiate them."""

from __future__ import annotations

from typing import Any

from consilience.custody import Custody
from consilience.model.base import Quantity
from consilience.model.finding import Region
from consilience.model.measurement import (
    DataSummary,
    Exposure,
    MeasurementRecord,
    RegisteredFile,
)
from consilience.model.sample import Sample, Step

DAY = "2026-03-01T{}:00+00:00"
COLD, WARM = 100.0, 293.15


def q(value: float, unit: str) -> Quantity:
    return Quantity(value=value, unit=unit)


def box(x0: float, y0: float, x1: float, y1: float, frame: str = "stage") -> Region:
    return Region(shape="box", coordinates=[[x0, y0], [x1, y1]], unit="um", frame=frame)


def electrons(
    fluence: float | None,
    *,
    energy: float | None = 200.0,
    temperature: float | None = None,
    **more: Any,
) -> Exposure:
    return Exposure(
        particle="electron",
        fluence=None if fluence is None else q(fluence, "e/angstrom**2"),
        energy=None if energy is None else q(energy, "keV"),
        temperature=None if temperature is None else q(temperature, "K"),
        **{"source": "user", **more},
    )


def photons(fluence: float | None, energy: float | None = 18.0) -> Exposure:
    return Exposure(
        particle="photon",
        fluence=None if fluence is None else q(fluence, "1/um^2"),
        energy=None if energy is None else q(energy, "keV"),
    )


def record(
    name: str,
    sample: str = "lamella",
    *exposures: Exposure,
    modality: str = "eels",
    time: str | None = "12:00",
    file: str | None = None,
    **more: Any,
) -> MeasurementRecord:
    fields: dict[str, Any] = {
        "id": f"m-{name}",
        "name": name,
        "modality": modality,
        "sample": sample,
        "state": {},
        "origin": "measured",
        "stored": {
            "data": RegisteredFile(
                name=f"{file or name}.msa",
                size=1,
                sha256=(file or name).encode().hex()[:64].ljust(64, "0"),
            )
        },
        "reader": "eels.msa",
        "plugin": "eels",
        "version": "0",
        "array": None,
        "lazy": None,
        "summary": DataSummary(variables={}, coordinates={}),
        "exposures": list(exposures),
        "start": None if time is None else DAY.format(time),
        **more,
    }
    return MeasurementRecord(**fields)


def step(name: str, sample: str, kind: str, time: str | None = None, **more: Any) -> Step:
    start = None if time is None else DAY.format(time)
    return Step(**{"id": f"st-{name}", "sample": sample, "type": kind, "start": start, **more})


def custody(
    *things: MeasurementRecord | Step | Sample,
    cut: Region | None = None,
    needle_cut: Region | None = None,
) -> Custody:
    samples = {
        "chip": Sample(id="chip"),
        "lamella": Sample(id="lamella", parent="chip", cut=cut),
        "needle": Sample(id="needle", parent="lamella", cut=needle_cut),
    }
    samples |= {t.id: t for t in things if isinstance(t, Sample)}
    steps = [t for t in things if isinstance(t, Step)]
    records = {t.id: t for t in things if isinstance(t, MeasurementRecord)}
    return Custody(samples, steps, records=records)


def cuts(lamella: str = "10:00", needle: str = "14:00") -> tuple[Step, Step]:
    return (
        step("lift", "chip", "lift_out", lamella, derives="lamella"),
        step("sharpen", "lamella", "lift_out", needle, derives="needle"),
    )
