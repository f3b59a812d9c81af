"""The report's section on cells against each other, and on figures that a text derives from tables.

What is printed and what is computed stand side by side, with the formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Table, Text, ViewContext
from consilience_compton.drawing.across import across_blocks

__all__ = ["cells_view"]

ANALYSIS = "compton.series"
EXTRACTION = "efficiency of taking lithium out of the cathode"
"""Label of a printed figure that compares two cells, named by ``from`` and ``to`` of its state."""


def cells_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Show lithium taken out at each rate, capacity beside it, and printed figures recomputed."""
    del context
    mine = [f for f in findings if f.source.analysis == ANALYSIS]
    blocks: list[Block] = across_blocks(findings)
    if not mine:
        return blocks
    printed = [
        f for f in findings if f.kind == "relative_change" and f.source.analysis == "entered"
    ]
    taken = _taken_out(measurements, mine)
    if printed:
        blocks.append(_printed(printed, mine, taken))
    if len(taken) > 1:
        blocks += _between(taken)
    blocks += _capacity(taken)
    blocks += _confounded(mine)
    return blocks


def _state(finding: Finding) -> dict[str, str]:
    return {key: str(value) for key, value in finding.state.items()}


def _printed(printed: Sequence[Finding], mine: Sequence[Finding], taken: Sequence[Taken]) -> Table:
    rows: list[list[Cell]] = []
    for one in printed:
        label = one.subject.label if one.subject else ""
        told = _state(one)
        if label == EXTRACTION:
            value, formula = _extraction(told, taken)
        else:
            value, formula = _change(one, label, mine)
        rows.append(
            [
                f"{label}, {told.get('from', '?')} to {told.get('to', '?')}",
                None if one.value is None else round(100.0 * one.value, 2),
                None if value is None else round(100.0 * value, 2),
                formula,
                one.source.citation or "",
            ]
        )
    return Table(
        ["figure", "printed (%)", "computed (%)", "formula", "source"],
        rows,
        title="Printed figures, computed again from the tables",
    )


NOT_HERE = "not computed from these tables"


def _change(one: Finding, label: str, mine: Sequence[Finding]) -> tuple[float | None, str]:
    for f in mine:
        same = f.kind == "relative_change" and f.sample == one.sample and f.subject is not None
        if same and f.subject is not None and f.subject.label == label and _state(f) == _state(one):
            return f.value, str(f.evidence["formula"])
    return None, NOT_HERE


def _extraction(told: Mapping[str, str], taken: Sequence[Taken]) -> tuple[float | None, str]:
    from consilience_compton.series.change import extraction

    by_sample = {one[0]: one for one in taken}
    slow, fast = by_sample.get(told.get("to", "")), by_sample.get(told.get("from", ""))
    if slow is None or fast is None or fast[3] == 0.0:
        return None, NOT_HERE
    found = extraction((slow[2], slow[3]), (fast[2], fast[3]))
    factor = "" if found.factor is None else f", a factor of {found.factor:.1f}"
    return found.less_left, (
        f"1 − {slow[3]:g}/{fast[3]:g}, which is what is left; taken out are {found.slow:.2f} and "
        f"{found.fast:.2f}{factor}"
    )


Taken = tuple[str, str, float, float, Mapping[str, Any]]
"""Sample, state at the end of charge, x at first, x there, metadata of the table."""


def _taken_out(measurements: Sequence[Measurement], mine: Sequence[Finding]) -> list[Taken]:
    found: list[Taken] = []
    for table in measurements:
        told = table.metadata
        end = told.get("charged")
        xs = {
            str(f.state.get("state")): f.value
            for f in mine
            if f.kind == "li_content" and table.id in f.measurements and f.value is not None
        }
        labels: Any = told.get("labels") or ()
        if not labels or end is None:
            continue
        first, last = xs.get(str(labels[0])), xs.get(str(end))
        if first is not None and last is not None:
            found.append((table.sample, str(end), first, last, told))
    return found


def _between(taken: Sequence[Taken]) -> list[Block]:
    from consilience_compton.series.change import extraction

    ordered = sorted(taken, key=lambda one: one[3])
    slow = ordered[0]
    rows: list[list[Cell]] = []
    for fast in ordered[1:]:
        if fast[3] == 0.0:
            continue
        found = extraction((slow[2], slow[3]), (fast[2], fast[3]))
        rows += [
            [
                f"less lithium left: {slow[0]} against {fast[0]}",
                f"1 − {slow[3]:g}/{fast[3]:g}",
                f"{100.0 * found.less_left:.1f} %",
            ],
            [f"lithium taken out, {slow[0]}", f"{slow[2]:g} − {slow[3]:g}", f"{found.slow:.2f}"],
            [f"lithium taken out, {fast[0]}", f"{fast[2]:g} − {fast[3]:g}", f"{found.fast:.2f}"],
            [
                f"{slow[0]} over {fast[0]}",
                f"{found.slow:.2f}/{found.fast:.2f}",
                None if found.factor is None else f"a factor of {found.factor:.1f}",
            ],
        ]
    if not rows:
        return []
    return [
        Table(
            ["what", "formula", "computed"],
            rows,
            title="Lithium taken out of the cathodes by the end of charge",
            note="the first line and the last two answer different questions: what is left, and "
            "what was taken out",
        )
    ]


def _capacity(taken: Sequence[Taken]) -> list[Block]:
    from consilience_compton.model.cell import molar_mass
    from consilience_compton.model.profiles import composition_at
    from consilience_compton.series.change import capacity_to_lithium
    from consilience_compton.spectra import number_of

    rows: list[list[Cell]] = []
    for sample, _, first, last, told in taken:
        charge, formula = number_of(told, "capacity", "mAh/g"), str(told.get("composition") or "")
        if charge is None or "Lix" not in formula:
            continue
        mass = molar_mass(composition_at(formula, 1.0))
        rows.append(
            [
                sample,
                f"{charge:g} mAh/g × {mass:.2f} g/mol / F",
                round(capacity_to_lithium(charge, mass), 3),
                round(first - last, 3),
                str(told.get("capacity_note") or ""),
            ]
        )
    if not rows:
        return []
    return [
        Table(
            ["cell", "formula", "Δx by charge", "Δx by the ratio", "conditions"],
            rows,
            title="Lithium taken out, by electric charge and by Compton scattering",
        )
    ]


def _confounded(mine: Sequence[Finding]) -> list[Block]:
    """First states of different cells against the largest change within one."""
    said: list[Block] = []
    rough = [f for f in mine if f.kind in {"roughness", "areal_roughness"} and f.value is not None]
    for subject in dict.fromkeys(f.subject.label for f in rough if f.subject):
        courses: dict[str, list[float]] = {}
        for f in rough:
            if f.subject and f.subject.label == subject and f.value is not None:
                courses.setdefault(f.sample, []).append(f.value)
        if len(courses) < 2:
            continue
        firsts = {sample: values[0] for sample, values in courses.items()}
        apart = max(firsts.values()) - min(firsts.values())
        within = max(max(v) - min(v) for v in courses.values())
        if apart > within:
            told = ", ".join(f"{value:g} µm in {sample}" for sample, value in firsts.items())
            said.append(
                Text(
                    f"The first states of the {subject} differ between the cells ({told}) by "
                    f"{apart:.2f} µm, more than either changes ({within:.2f} µm at most). There is "
                    "one cell for each rate: what is due to the rate and what to the cell cannot "
                    "be told apart.",
                    "doubt",
                )
            )
    return said
