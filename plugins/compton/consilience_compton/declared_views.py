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
)
