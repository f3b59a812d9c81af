"""Wet scans held against a dry one: the liquid that would explain what they lack."""

from __future__ import annotations

import math

import numpy as np

from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Subject
from consilience.model.measurement import Notice
from consilience_xrf.amounts.attenuation import ELECTROLYTE
from consilience_xrf.amounts.reach import liquid_thickness
from consilience_xrf.findings.amount_params import MapsParams
from consilience_xrf.findings.map_input import Compared, beam_of, geometry_of, layer_of, mean_of

__all__ = ["wet_against_dry"]

ALL_OF_IT = (
    "all of the loss is absorption: no matter left the area, and beam and focus stayed the same"
)
TABLES_STD = 0.02
"""Relative standard deviation of tabulated attenuation: that by which two tables differ."""


def wet_against_dry(
    compared: Compared, params: MapsParams, notices: list[Notice]
) -> list[FindingDraft]:
    """Hold each scan against the dry one: µm of liquid that would explain what it lacks."""
    dry = [
        i
        for i, t in enumerate(compared.taken)
        if params.dry in (t.title, t.measurement.id, t.measurement.record.file_name)
        or params.dry in map(str, t.measurement.record.state.values())
    ]
    if len(dry) != 1:
        titles = ", ".join(repr(t.title) for t in compared.taken)
        raise BadInputError(
            f"{len(dry)} scans are called {params.dry!r}; one is needed as the dry one",
            fix=f"name one of {titles}",
        )
    liquid = ELECTROLYTE if params.electrolyte is None else layer_of(params.electrolyte).material
    found = []
    for line in compared.lines:
        by_scan = dict(compared.of(line))
        if dry[0] not in by_scan:
            continue
        base, base_std = mean_of(by_scan[dry[0]])
        for i, one in by_scan.items():
            beam = beam_of(compared.taken[i].measurement, params.incident_energy)
            mean, std = mean_of(one)
            if i == dry[0] or beam is None or base <= 0.0 or mean <= 0.0:
                continue
            ratio = mean / base
            error = None
            if std is not None and base_std is not None:
                error = ratio * math.hypot(std / mean, base_std / base)
            try:
                um, um_std = liquid_thickness(
                    ratio, error, one.element, one.line, beam, geometry_of(params), liquid
                )
            except BadInputError as unknown:
                notices.append(
                    Notice(code="absorption-unknown", message=unknown.what, fix=unknown.fix)
                )
                continue
            # a composition that somebody states is taken as stated
            stated = None if params.electrolyte is None else 0.0
            parts = {"attenuation": TABLES_STD * abs(1e3 * um), "composition": stated}
            found.append(
                FindingDraft(
                    kind="thickness",
                    subject=Subject(label=f"liquid over the sample, by {line}"),
                    region=compared.taken[i].region,
                    state=dict(compared.taken[i].measurement.record.state),
                    value=1e3 * um,
                    unit="nm",
                    std_stat=None if um_std is None else 1e3 * um_std,
                    std_sys=None if parts["composition"] is None else parts["attenuation"],
                    evidence={
                        "std_sys_parts": parts,
                        "wet_over_dry": ratio,
                        "wet_over_dry_std": error,
                        "thickness_um": um,
                        "liquid": liquid.name,
                        "density_g_cm3": liquid.density,
                        "dry_scan": compared.taken[dry[0]].title,
                        "same_points": _same_points(compared, dry[0], i),
                    },
                    assumptions=[
                        ALL_OF_IT,
                        compared.said,
                    ],
                    method="thickness of liquid that lowers the mean counts of a scan that much",
                )
            )
    return found


def _same_points(compared: Compared, one: int, other: int) -> bool:
    """Whether two scans have points at the same places."""
    a, b = compared.taken[one].maps, compared.taken[other].maps
    return bool(
        a.shape == b.shape
        and a.unit == b.unit
        and np.allclose(a.x, b.x, atol=0.5 * a.step[1])
        and np.allclose(a.y, b.y, atol=0.5 * a.step[0])
    )
