"""The views that the plugin declares; imports none of them."""

from __future__ import annotations

from consilience.declarations import Ref, View

__all__ = ["VIEWS"]

VIEWS = (
    View(
        "compton.frames",
        "Detector frames",
        Ref("consilience_compton.drawing.frames:frames_view"),
        "compton",
    ),
    View(
        "compton.spectra",
        "Spectra of the detector",
        Ref("consilience_compton.drawing.spectra:spectra_view"),
        "compton",
    ),
    View(
        "compton.calibration",
        "Energy scale and bad pixels",
        Ref("consilience_compton.drawing.calibration:calibration_view"),
        "compton",
    ),
    View(
        "compton.drift",
        "Drift between states",
        Ref("consilience_compton.drawing.calibration:drift_view"),
        "compton",
        "sample",
    ),
    View(
        "compton.series",
        "Cells over their states",
        Ref("consilience_compton.drawing.states:states_view"),
        "compton",
        scope="sample",
    ),
    View(
        "compton.cells",
        "Cells against each other, and printed figures computed again",
        Ref("consilience_compton.drawing.cells:cells_view"),
        scope="study",
    ),
)
