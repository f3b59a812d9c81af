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
    View(
        "xrf.elements",
        "Elements",
        Ref("consilience_xrf.drawing.elements_view:elements_view"),
        "xrf",
    ),
    View(
        "xrf.roi",
        "Windows about lines",
        Ref("consilience_xrf.drawing.roi_view:roi_view"),
        "xrf",
    ),
    View(
        "xrf.maps",
        "Element maps",
        Ref("consilience_xrf.drawing.maps_view:element_maps_view"),
        "xrf_map",
        scope="sample",
    ),
    View(
        "xrf.profiles",
        "Element maps along lines",
        Ref("consilience_xrf.drawing.profile_view:profiles_view"),
        "xrf_map",
        scope="sample",
    ),
    View(
        "xrf.density",
        "Mass per area",
        Ref("consilience_xrf.drawing.density_view:density_view"),
        "xrf_map",
        scope="sample",
    ),
    View(
        "xrf.fitted_maps",
        "Fitted element maps",
        Ref("consilience_xrf.drawing.fitted_maps:fitted_maps_view"),
        "xrf",
    ),
    View(
        "xrf.maps_of_spectra",
        "Element maps of spectra",
        Ref("consilience_xrf.drawing.maps_view:element_maps_view"),
        "xrf",
        scope="sample",
    ),
    View(
        "xrf.profiles_of_spectra",
        "Element maps of spectra along lines",
        Ref("consilience_xrf.drawing.profile_view:profiles_view"),
        "xrf",
        scope="sample",
    ),
    View(
        "xrf.density_of_spectra",
        "Mass per area of spectra",
        Ref("consilience_xrf.drawing.density_view:density_view"),
        "xrf",
        scope="sample",
    ),
    View(
        "xrf.change",
        "Element maps over the states",
        Ref("consilience_xrf.drawing.change_view:change_view"),
        "xrf_map",
        scope="sample",
    ),
    View(
        "xrf.change_of_spectra",
        "Element maps over the states, from spectra",
        Ref("consilience_xrf.drawing.change_view:change_view"),
        "xrf",
        scope="sample",
    ),
)
