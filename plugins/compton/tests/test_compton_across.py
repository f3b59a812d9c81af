"""EMR of spectra against roughness of tomograms, where they share states."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from consilience.view import Table
from consilience_compton.drawing.across import across_blocks


def said(kind: str, value: float, label: str, analysis: str = "x", **state: str) -> Any:
    return SimpleNamespace(
        kind=kind,
        value=value,
        sample="cell",
        subject=SimpleNamespace(label=label),
        region=None,
        state=state,
        source=SimpleNamespace(analysis=analysis),
    )


def both(rough: tuple[float, ...], **more: Any) -> list[Any]:
    found = []
    for number, value in enumerate(rough):
        found.append(said("momentum_ratio", 1.0 + 0.1 * number, "anode", step=str(number)))
        found.append(said("areal_roughness", value, "S_a", step=str(number), **more))
    return found


def test_states_that_both_techniques_saw() -> None:
    table, note = across_blocks(both((5.0, 5.2, 5.1, 5.6, 5.9)))
    assert isinstance(table, Table)
    ((sample, what, states, rho, p, least),) = table.rows
    assert (sample, what, states) == ("cell", "EMR of the anode and S_a", 5)
    assert rho == 0.9
    assert isinstance(p, float)
    assert isinstance(least, float)
    assert abs(p - 10 / 120) < 1e-9
    assert abs(least - 2 / 120) < 1e-9
    assert "tests nothing about other samples" in note.text  # type: ignore[union-attr]


def test_what_is_no_pair_of_courses() -> None:
    assert across_blocks([]) == []
    assert across_blocks(both((5.0, 5.2))) == []
    # another state, a table that says both itself, a position of the beam
    assert across_blocks(both((5.0, 5.2, 5.1), side="left")) == []
    own = [said(f.kind, f.value, "a", "compton.series", **f.state) for f in both((1.0, 2.0, 3.0))]
    assert across_blocks(own) == []
    beams = [said(f.kind, f.value, "a", region="1", **f.state) for f in both((1.0, 2.0, 3.0))]
    assert across_blocks(beams) == []


def test_a_state_that_is_said_twice_is_left_out() -> None:
    findings = both((5.0, 5.2, 5.1, 5.6))
    findings.append(said("areal_roughness", 9.0, "S_a", step="0"))
    (table, _) = across_blocks(findings)
    assert isinstance(table, Table)
    assert table.rows[0][2] == 3
