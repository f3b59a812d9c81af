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
        "compton.momentum",
        "Electron momentum",
        Ref("consilience_compton.drawing.momentum:momentum_view"),
        "compton",
    ),
    View(
        "compton.regions",
        "Cathode, electrolyte and anode",
        Ref("consilience_compton.drawing.momentum:regions_view"),
        "compton",
        scope="sample",
    ),
    View(
        "compton.changes",
        "Maps of the momentum ratio over states",
        Ref("consilience_compton.drawing.momentum_maps:changes_view"),
        "compton",
        scope="sample",
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
    View(
        "compton.volume",
        "Tomograms",
        Ref("consilience_compton.drawing.volumes:volume_view"),
        "xct",
    ),
    View(
        "compton.surface",
        "Interfaces and their roughness",
        Ref("consilience_compton.drawing.surfaces:surface_view"),
        "xct",
    ),
)
