"""The exporters that the plugin declares; imports none of them."""

from __future__ import annotations

from consilience.declarations import Exporter, Ref

__all__ = ["EXPORTERS"]

_CODE = "consilience_xrf.drawing.export:"

EXPORTERS: tuple[Exporter, ...] = (
    Exporter(
        "xrf.maps_png",
        "xrf_map",
        ".maps.png",
        Ref(f"{_CODE}write_maps_png"),
        "maps as a picture of high resolution",
        analysis="xrf.maps",
    ),
    Exporter(
        "xrf.maps_svg",
        "xrf_map",
        ".maps.svg",
        Ref(f"{_CODE}write_maps_svg"),
        "maps as SVG",
        analysis="xrf.maps",
    ),
    Exporter(
        "xrf.maps_pdf",
        "xrf_map",
        ".maps.pdf",
        Ref(f"{_CODE}write_maps_pdf"),
        "maps as PDF",
        analysis="xrf.maps",
    ),
    Exporter(
        "xrf.maps_csv",
        "xrf_map",
        ".maps.csv",
        Ref(f"{_CODE}write_maps_csv"),
        "maps, a row for each point",
        analysis="xrf.maps",
    ),
    Exporter(
        "xrf.maps_tiff",
        "xrf_map",
        ".maps.tif",
        Ref(f"{_CODE}write_maps_tiff"),
        "maps as pages of 32-bit numbers",
        analysis="xrf.maps",
    ),
    Exporter(
        "xrf.density_csv",
        "xrf_map",
        ".density.csv",
        Ref(f"{_CODE}write_maps_csv"),
        "masses per area, a row for each point",
        analysis="xrf.density",
    ),
    Exporter(
        "xrf.density_tiff",
        "xrf_map",
        ".density.tif",
        Ref(f"{_CODE}write_maps_tiff"),
        "masses per area as pages of 32-bit numbers",
        analysis="xrf.density",
    ),
    Exporter(
        "xrf.profile_csv",
        "xrf_map",
        ".profile.csv",
        Ref(f"{_CODE}write_profiles_csv"),
        "profiles, a row for each bin",
        analysis="xrf.profile",
    ),
)
