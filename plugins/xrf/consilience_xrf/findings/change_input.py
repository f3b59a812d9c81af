"""Which scans of a sample are compared, in which order, and with which errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience.model.measurement import Notice
from consilience_xrf.amounts.element_maps import ElementMap
from consilience_xrf.change.series import StateMap
from consilience_xrf.change.shift import refuse_other_shape
from consilience_xrf.findings.change_params import ChangeParams
from consilience_xrf.findings.map_input import Compared, Taken

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Chosen", "chosen_states", "named"]

LENGTHS = {"um": 1.0, "mm": 1e3, "nm": 1e-3}


@dataclass(frozen=True)
class Chosen:
    """The maps that are compared, in order; `reference` is a place among them.

    `unit` is ``um``, or ``1`` where the scans' positions have no unit; `estimated` says that the
    errors come from the scatter of neighbours.
    """

    compared: Compared
    taken: tuple[Taken, ...]
    maps: tuple[StateMap, ...]
    line: str
    element: str
    reference: int
    unit: str
    estimated: bool
    along: str
    positions: tuple[float, ...]
    notices: tuple[Notice, ...]


def chosen_states(compared: Compared, params: ChangeParams) -> Chosen | Notice:
    """Return the maps to compare, or why there are none.

    Raises
    ------
    BadInputError
        States that are asked for by name are not there, or are of different shape.
    """
    notices = list(compared.notices)
    taken = list(compared.taken)
    if params.states:
        taken = [_one_of(taken, name) for name in params.states]
        for one in taken[1:]:
            refuse_other_shape(taken[0].maps.shape, one.maps.shape, (taken[0].title, one.title))
    else:
        taken, left_out = _alike(taken)
        if left_out:
            names = ", ".join(
                f"{t.title} ({t.maps.shape[0]} x {t.maps.shape[1]})" for t in left_out
            )
            notices.append(
                Notice(
                    code="other-shape",
                    message=f"maps of different shape or step cannot be compared point by point; "
                    f"left out: {names}",
                    fix="name the scans of one area with the parameter 'states'",
                    severity="info",
                )
            )
    if len(taken) < 2:
        shapes = ", ".join(f"{t.maps.shape[0]} x {t.maps.shape[1]}" for t in compared.taken)
        return Notice(
            code="one-state",
            message=f"a change needs two scans of one shape and step; here are {shapes}",
            severity="info",
        )
    if not params.states:
        taken, along, positions = _ordered(taken)
    else:
        along, positions = "state", [float(i) for i in range(len(taken))]
    line = params.line or _structured(taken)
    have = [t for t in taken if line in t.corrected]
    if len(have) < 2:
        return Notice(
            code="one-state", message=f"only {len(have)} scan has a map of {line}", severity="info"
        )
    positions = [p for p, t in zip(positions, taken, strict=True) if line in t.corrected]
    reference = have.index(_one_of(have, params.reference)) if params.reference else 0
    unit = have[0].maps.unit
    factor = LENGTHS.get(unit)
    estimated = any(t.corrected[line].std is None for t in have)
    maps = tuple(_state_map(t, t.corrected[line], factor) for t in have)
    return Chosen(
        compared,
        tuple(have),
        maps,
        line,
        have[0].corrected[line].element,
        reference,
        "1" if factor is None else "um",
        estimated,
        along,
        tuple(positions),
        tuple(notices),
    )


def named(taken: Taken, name: str) -> bool:
    """Whether a scan goes by a name: its title, ID, file, or a value of its state."""
    record = taken.measurement.record
    values = [str(v) for v in record.state.values()]
    return name in (taken.title, taken.measurement.id, record.name, record.file_name, *values)


def _one_of(taken: Sequence[Taken], name: str) -> Taken:
    found = [t for t in taken if named(t, name)]
    if len(found) != 1:
        raise BadInputError(
            f"{len(found)} scans are called {name!r}",
            fix=f"name one of {', '.join(repr(t.title) for t in taken)}",
        )
    return found[0]


def _alike(taken: Sequence[Taken]) -> tuple[list[Taken], list[Taken]]:
    """The largest group of one shape and step, and the rest; of equals the first."""
    keys = [(t.maps.shape, t.maps.unit, *(float(f"{s:.3g}") for s in t.maps.step)) for t in taken]
    most = Counter(keys).most_common(1)[0][0]
    together = zip(taken, keys, strict=True)
    alike = [(t, key == most) for t, key in together]
    return [t for t, same in alike if same], [t for t, same in alike if not same]


def _ordered(taken: list[Taken]) -> tuple[list[Taken], str, list[float]]:
    """By cycle, else by time, else as registered."""
    records = [t.measurement.record for t in taken]
    cycles = [_number(r.state.get("cycle")) for r in records]
    known = [c for c in cycles if c is not None]
    if len(known) == len(taken) and len(set(known)) > 1:
        order = sorted(range(len(taken)), key=lambda i: (known[i], records[i].start or "", i))
        return [taken[i] for i in order], "cycle", [known[i] for i in order]
    starts = [r.start for r in records]
    if all(starts):
        order = sorted(range(len(taken)), key=lambda i: str(starts[i]))
        return [taken[i] for i in order], "order", [float(i) for i in range(len(order))]
    return taken, "order", [float(i) for i in range(len(taken))]


def _number(said: object) -> float | None:
    value = getattr(said, "value", said)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _structured(taken: Sequence[Taken]) -> str:
    """The line whose map in the first scan varies most beyond its noise."""
    common = [n for n in taken[0].corrected if all(n in t.corrected for t in taken)]
    if not common:
        common = list(taken[0].corrected)

    def worth(name: str) -> float:
        one = taken[0].corrected[name]
        variance = float(np.nanmean(_variance(one)))
        return float(np.nanvar(one.values)) / max(variance, 1e-300)

    return max(common, key=worth)


def _variance(one: ElementMap) -> NDArray[np.float64]:
    if one.std is not None:
        return np.asarray(one.std**2)
    values = np.where(np.isfinite(one.values), one.values, np.nanmedian(one.values))
    if min(values.shape) < 3:
        return np.full(values.shape, float(np.nanvar(values)))
    bend = values[1:-1, 1:-1] - 0.25 * (
        values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    )
    sigma = 1.4826 * float(np.median(np.abs(bend - np.median(bend)))) / np.sqrt(1.25)
    return np.full(values.shape, max(sigma**2, 1e-300))


def _state_map(taken: Taken, one: ElementMap, factor: float | None) -> StateMap:
    scale = 1.0 if factor is None else factor
    variance = np.where(np.isfinite(one.values), _variance(one), np.nan)
    return StateMap(
        taken.title,
        one.values,
        variance,
        taken.maps.y * scale,
        taken.maps.x * scale,
        "1" if factor is None else "um",
    )
