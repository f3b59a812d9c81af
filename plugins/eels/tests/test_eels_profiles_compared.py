"""Fluorine across an interphase by energy losses and by X-rays: two profiles on one line."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from consilience import Study
from consilience.model import Verdict
from consilience_eels.simulation.interphase import InterphaseParams, simulate_interphase


@pytest.fixture(scope="module")
def compared(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, dict[str, Any]], Verdict]:
    """What is said of F K along all of the scan and F Kα along a line with these parameters."""
    folder = tmp_path_factory.mktemp("interphase")
    params = InterphaseParams(
        pixels=(2, 40), frames=2, low_channels=500, core_channels=1400, image_frames=0
    )
    files = simulate_interphase(params, 1, folder)

    def said(name: str, more: dict[str, Any]) -> Verdict:
        with Study.create(folder / name) as study:
            study.add_sample("lamella", elements=["O", "F", "Pt"])
            for file in files:
                if any(part in file.name for part in ("core", "edx")):
                    study.add(file, "lamella")
            study.analyse(["eels.profile"], params={"edges": ["F_K"], "frame": "scan 1"})
            lines = {"lines": ["F_Ka", "Pt_La"]}  # platinum is another element: no verdict
            study.analyse(["eels.profile_edx"], params={**lines, **more})
            (one,) = (v for v in study.compare() if v.comparison == "core.profiles")
            return one

    return said


def test_fluorine_by_two_techniques_goes_together(
    compared: Callable[[str, dict[str, Any]], Verdict],
) -> None:
    one = compared("shared", {"frame": "scan 1", "start": [110.0, 1.0], "end": [0.0, 1.0]})
    assert one.verdict == "consistent", one.reason
    assert one.numbers["correlation"] > 0.8
    assert one.p_value is not None
    assert one.p_value < 0.01
    assert one.numbers["without_noise"] > 0.9


def test_without_a_frame_that_both_share_nobody_knows(
    compared: Callable[[str, dict[str, Any]], Verdict],
) -> None:
    one = compared("unstated", {})
    assert one.verdict == "not_comparable"
    assert "where the points of one lie on the other is not known" in one.reason
    assert one.settle == "profiles along one line, in one frame that both state"
