"""The views that the plugin declares; imports none of them."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from consilience.declarations import Ref, View

__all__ = ["VIEWS"]

VIEWS = (
    View(
        "eels.fingerprints",
        "Fingerprints",
        Ref("consilience_eels.drawing.views_fingerprints:fingerprint_view"),
        "eels",
        scope="sample",
    ),
    View(
        "eels.spectrum",
        "Energy-loss spectrum",
        Ref("consilience_eels.drawing.views:spectrum_view"),
        "eels",
    ),
    View(
        "eels.zero_loss",
        "Zero loss",
        Ref("consilience_eels.drawing.views_lowloss:zero_loss_view"),
        "eels",
    ),
    View(
        "eels.frames",
        "Drift of spectrum images",
        Ref("consilience_eels.drawing.views_lowloss:frames_view"),
        "eels",
    ),
    View(
        "eels.image_frames",
        "Drift of images",
        Ref("consilience_eels.drawing.views_lowloss:frames_view"),
        "stem",
    ),
    View(
        "eels.joined",
        "Single scattering, and joined spectra",
        Ref("consilience_eels.drawing.views_lowloss:joined_view"),
        "eels",
        scope="sample",
    ),
    View(
        "eels.edges",
        "Ionisation edges",
        Ref("consilience_eels.drawing.views_edges:edges_view"),
        "eels",
    ),
    View(
        "eels.profiles",
        "Profiles of energy losses",
        Ref("consilience_eels.drawing.views_profiles:profiles_view"),
        "eels",
    ),
    View(
        "eels.profiles_edx",
        "Profiles of X-rays",
        Ref("consilience_eels.drawing.views_profiles:profiles_view"),
        "edx",
    ),
    View(
        "eels.profiles_image",
        "Profiles of images",
        Ref("consilience_eels.drawing.views_profiles:profiles_view"),
        "stem",
    ),
    View("eels.edx", "X-ray spectrum", Ref("consilience_eels.drawing.views_edx:edx_view"), "edx"),
    View(
        "eels.image",
        "Electron image",
        Ref("consilience_eels.drawing.views_image:image_view"),
        "stem",
    ),
    View(
        "eels.diffraction",
        "Electron diffraction",
        Ref("consilience_eels.drawing.views_rings:rings_view"),
        "ediff",
    ),
    View(
        "eels.image_rings",
        "Rings of images",
        Ref("consilience_eels.drawing.views_rings:rings_view"),
        "stem",
    ),
    View(
        "eels.ring_series",
        "Spacings against the dose",
        Ref("consilience_eels.drawing.views_rings:series_view"),
        "ediff",
        scope="sample",
    ),
    View(
        "eels.image_ring_series",
        "Spacings against the dose",
        Ref("consilience_eels.drawing.views_rings:series_view"),
        "stem",
        scope="sample",
    ),
)
