"""The views that the plugin declares; imports none of them."""

from __future__ import annotations

from consilience.declarations import Ref, View

__all__ = ["VIEWS"]

VIEWS = (
    View(
        "xrf.spectrum",
        "XRF spectrum",
        Ref("consilience_xrf.drawing.spectrum:spectrum_view"),
        "xrf",
    ),
)
