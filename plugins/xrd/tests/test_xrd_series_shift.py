"""A height that differs between two states is no strain and changes no cell."""

from __future__ import annotations

import numpy as np
import pytest

from consilience_xrd.axes import q_to_two_theta, two_theta_to_q
from consilience_xrd.findings.one_state import OneState
from consilience_xrd.findings.series_cells import cell_drafts
from consilience_xrd.identification.identify import identify
from consilience_xrd.identification.matching import MatchSettings, ObservedPeak
from consilience_xrd.references.phases import library
from consilience_xrd.references.reference import compute_pattern
from consilience_xrd.series.lines import line_series
from consilience_xrd.series.states import order_states
from consilience_xrd.series.tracks import follow

LAM = 0.6888
RANGE = (1.0, 6.0)


def state(shift: float, number: int) -> OneState:
    """Silicon and ceria, all lines displaced by `shift` [deg] x cos(theta), places known well."""
    references = [compute_pattern(library()[key], LAM, RANGE) for key in ("Si", "CeO2", "Pt")]
    peaks = []
    for reference in references[:2]:
        for line in reference.lines:
            if line.intensity > 4:
                angle = float(q_to_two_theta(line.q, LAM))
                q = float(two_theta_to_q(angle + shift * np.cos(np.radians(angle) / 2), LAM))
                peaks.append(ObservedPeak(q, 3e-4, line.intensity, 0.1, 0.02, 99.0, (), 2e-4, 2e-4))
    peaks.sort(key=lambda p: p.q)
    pairing, results = identify(peaks, references, RANGE, LAM, MatchSettings(shift="displacement"))
    record = type("Record", (), {"state": {"cycle": number}})()
    measurement = type("Measured", (), {"record": record, "id": f"m{number}"})()
    return OneState(measurement, peaks, pairing, results, [], [])  # type: ignore[arg-type]


def test_a_displacement_between_states_is_taken_out_of_cells_and_spacings() -> None:
    states = [state(0.0, 1), state(0.15, 2)]
    assert states[1].pairing.shift.amount == pytest.approx(0.15, abs=0.01)
    axis = order_states([{"cycle": 1}, {"cycle": 2}], [None, None], ["a", "b"])
    lengths = [d for d in cell_drafts(axis, states) if d.kind == "cell_length"]
    by_name: dict[str, list[float]] = {}
    for draft in lengths:
        assert draft.subject is not None
        assert draft.std_sys is not None
        assert draft.value is not None
        by_name.setdefault(draft.subject.label, []).append(draft.value)
    assert set(by_name) == {"a of Si", "a of CeO2"}
    for label, (first, second) in by_name.items():
        # uncorrected, the cells would differ by 0.5 % and more
        assert second == pytest.approx(first, rel=6e-4), label
    tracks = follow([s.peaks for s in states], [1, 2], gate=0.02)
    series = [line_series(t, axis, [s.peaks for s in states], [s.pairing for s in states])
              for t in tracks if len(t.states) == 2]  # fmt: skip
    assert len(series) > 8
    for line in series:
        assert abs(line.seen[1].q - line.seen[0].q) > 3e-3
        assert abs(line.spacing_change) < 1.2e-3
