"""PANalytical files, both layouts, and what must be refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from consilience.errors import BadFileError
from consilience_xrd.files.xrdml import read_xrdml

HEAD = (
    '<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/1.6">'
    '<xrdMeasurement sampleMode="Reflection"><usedWavelength>'
    '<kAlpha1 unit="Angstrom">1.5405980</kAlpha1><kAlpha2 unit="Angstrom">1.5444260</kAlpha2>'
    "<ratioKAlpha2KAlpha1>0.5</ratioKAlpha2KAlpha1></usedWavelength>"
)
TAIL = "</xrdMeasurement></xrdMeasurements>"


def scan(values: str = "1 2 3", tag: str = "intensities", where: str | None = None) -> str:
    place = where or "<startPosition>10</startPosition><endPosition>12</endPosition>"
    return (
        '<scan scanAxis="Gonio" status="Completed"><dataPoints><positions axis="2Theta" unit="deg">'
        f"{place}</positions><commonCountingTime>2.5</commonCountingTime>"
        f'<{tag} unit="counts">{values}</{tag}></dataPoints></scan>'
    )


def write(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "a.xrdml"
    path.write_text(body, encoding="utf-8")
    return path


@pytest.mark.parametrize("tag", ["counts", "intensities"])
def test_both_layouts(tmp_path: Path, tag: str) -> None:
    (pattern,) = read_xrdml(write(tmp_path, HEAD + scan(tag=tag) + TAIL))
    assert pattern.x == pytest.approx([10, 11, 12])
    assert pattern.intensity_unit == "count"
    assert pattern.source is not None
    assert (pattern.source.wavelength, pattern.source.ratio) == (1.540598, 0.5)
    assert pattern.metadata["counting_time_s"] == 2.5
    assert pattern.metadata["geometry"] == "bragg-brentano"
    json.dumps(pattern.metadata, allow_nan=False)


def test_several_scans_and_unequal_positions(tmp_path: Path) -> None:
    listed = scan(where="<listPositions>10 10.5 12</listPositions>")
    first, second = read_xrdml(write(tmp_path, HEAD + scan() + listed + TAIL))
    assert second.x == pytest.approx([10, 10.5, 12])
    assert first.metadata["scan"] != second.metadata["scan"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "is empty"),
        (HEAD + scan(), "cut off"),
        ("<other/>", "root element is 'other'"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]>" + HEAD + scan() + TAIL, "<!DOCTYPE"),
        (
            HEAD + scan(where="<listPositions>10 12</listPositions>") + TAIL,
            "lists 2 positions for 3",
        ),
        (HEAD + scan("1 x 3") + TAIL, "cannot be read"),
        (HEAD + TAIL, "no scan along 2theta"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(BadFileError) as caught:
        read_xrdml(write(tmp_path, body))
    assert message in caught.value.what


def test_attenuated_counts_lose_their_poisson_error(tmp_path: Path) -> None:
    text = scan("100 100 100", "counts").replace(
        "<counts", "<beamAttenuationFactors>1 1 10</beamAttenuationFactors><counts"
    )
    (pattern,) = read_xrdml(write(tmp_path, HEAD + text + TAIL))
    assert pattern.intensity == pytest.approx([100, 100, 1000])
    assert pattern.sigma == pytest.approx([10, 10, 100])
    assert np.all(np.diff(pattern.x) > 0)
