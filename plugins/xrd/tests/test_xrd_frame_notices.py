"""What is said of the pixels of an image: what was there, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from consilience_xrd.files.frames import integrate_image, options_from_text

GEOMETRY = """poni_version: 2.1
Detector: Detector
Detector_config: {"pixel1": 0.001, "pixel2": 0.001, "max_shape": [40, 40], "orientation": 3}
Distance: 0.1
Poni1: 0.02
Poni2: 0.02
Rot1: 0.0
Rot2: 0.0
Rot3: 0.0
Wavelength: 1e-10
"""


def said(folder: Path, image: np.ndarray, **options: str) -> str:
    import fabio

    geometry = folder / "g.poni"
    geometry.write_text(GEOMETRY)
    path = folder / "image.edf"
    fabio.edfimage.EdfImage(data=image).write(str(path))
    pattern = integrate_image(path, geometry, options_from_text({"npt": "20", **options}))
    return "; ".join(pattern.warnings)


def test_nothing_is_said_of_what_is_not_there(tmp_path: Path) -> None:
    text = said(tmp_path, np.full((40, 40), 7, dtype=np.int32))
    for word in ("negative", "saturated", "zero", "finite", "0 pixels"):
        assert word not in text


def test_what_is_there_is_counted(tmp_path: Path) -> None:
    image = np.full((40, 40), 7, dtype=np.int32)
    image[0, :3] = -1
    image[1, 0] = 99
    image[2, :2] = 0
    text = said(tmp_path, image, saturation="99", mask_negative="no")
    assert "3 pixels are negative (gaps between modules), NOT masked" in text
    assert "1 pixel is saturated (at least 99), masked" in text
    assert "2 pixels read zero" in text


def test_without_a_level_nothing_is_said_to_be_masked(tmp_path: Path) -> None:
    image = np.full((40, 40), 7, dtype=np.float32)
    image[0, 0] = np.nan
    text = said(tmp_path, image)
    assert "level at which pixels saturate is not known, so none was masked" in text
    assert "1 pixel is not a finite number, masked" in text


@pytest.mark.parametrize("value", [-1, 0, 99])
def test_one_pixel_is_one_pixel(tmp_path: Path, value: int) -> None:
    image = np.full((40, 40), 7, dtype=np.int32)
    image[0, 0] = value
    assert "1 pixel " in said(tmp_path, image, saturation="99")
