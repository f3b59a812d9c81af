"""One line of help for each reader option; light, because the declarations need it."""

from __future__ import annotations

from consilience.options import SIZE_OPTIONS

__all__ = ["FRAME_OPTIONS", "NEXUS_OPTIONS", "SIZE_OPTIONS", "TEXT_OPTIONS"]

TEXT_OPTIONS = {
    "axis": "two_theta or q: what the first column is, where the file does not say",
    "unit": "deg, 1/angstrom or 1/nm: unit of the first column",
    "wavelength": 'as in "1.5406 angstrom"; of K-alpha 1 where there are two',
    "energy": 'photon energy in place of the wavelength, as in "18 keV"',
    "columns": "names of the columns, as in two_theta,intensity,smoothed or q,intensity,sigma",
    "intensity_unit": "count or arbitrary",
    "ka2": 'K-alpha 2 as "1.5444 angstrom, 0.5": wavelength and ratio to K-alpha 1',
    "origin": "simulated, where the file does not say so itself; nothing else is taken",
    **SIZE_OPTIONS,
}
FRAME_OPTIONS = {
    "flip": "up-down, left-right or none: what the geometry expects of the image; recorded",
    "npt": "number of points of the pattern",
    "unit": "deg for 2theta, 1/angstrom for q",
    "mask_negative": "yes or no: leave out pixels below zero (gaps)",
    "polarization_factor": "-1 to 1, or none",
    "error_model": "none, poisson or azimuthal",
    "method": "no, bbox, full or pseudo: how a pixel is split between bins",
    "saturation": "count from which a pixel is taken as saturated",
    **SIZE_OPTIONS,
}
NEXUS_OPTIONS = {
    "unit": "deg, 1/angstrom or 1/nm: unit of the diffraction axis, where the file states none",
    "wavelength": 'as in "0.6888 angstrom", where the file states none',
    "energy": 'photon energy in place of the wavelength, as in "18 keV"',
    **SIZE_OPTIONS,
}
