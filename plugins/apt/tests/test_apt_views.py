"""The report's section: what it shows, that it says so, and that a cloud reads a sample only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from apt_measurements import completed, context, needle

from consilience.model.measurement import Measurement
from consilience.view import Block, Cloud, Figure, Table
from consilience_apt import analyses
from consilience_apt.drawing.cloud import MOST_POINTS, cloud_points
from consilience_apt.drawing.views import ions_view
from consilience_apt.files.stream import SOURCE, array_source
from consilience_apt.params import (
    CompositionParams,
    HomogeneityParams,
    ProfileParams,
    SpectrumParams,
    SurfaceParams,
)
from consilience_apt.simulation import Layer, NeedleParams

LAYERS = NeedleParams(
    ions=6000,
    radius=8.0,
    background=0.01,
    layers=(
        Layer(name="cap", thickness=8.0, top={"Cr+": 1.0}),
        Layer(name="alloy", thickness=20.0, top={"Li+": 0.5, "Pt++": 0.5}),
    ),
    files=("epos", "rrng"),
)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Measurement, list[Block]]:
    folder = tmp_path_factory.mktemp("needle")
    one = needle(folder, LAYERS, 1)
    where = context(folder)
    outputs = {
        "apt.spectrum": analyses.run_spectrum([one], SpectrumParams(most_atoms=1), where),
        "apt.composition": analyses.run_composition([one], CompositionParams(), where),
        "apt.profile": analyses.run_profile([one], ProfileParams(simulations=0), where),
        "apt.homogeneity": analyses.run_homogeneity(
            [one], HomogeneityParams(level=0.4, relabellings=39), where
        ),
        "apt.surfaces": analyses.run_surfaces([one], SurfaceParams(repeats=2), where),
    }
    findings, how = completed(one, outputs)
    return one, ions_view([one], findings, how)


def figures(blocks: list[Block]) -> list[Figure]:
    return [block for block in blocks if isinstance(block, Figure)]


def test_every_picture_of_the_issue_is_there(shown: tuple[Measurement, list[Block]]) -> None:
    titles = [one.title for one in figures(shown[1])]
    for word in ("Mass spectrum", "Atom map", "Composition along z", "Proximity histogram",
                 "How blocks", "Ions of one pulse", "Li over x and z"):  # fmt: skip
        assert any(title.startswith(word) for title in titles), (word, titles)
    tables = [block.title for block in shown[1] if isinstance(block, Table)]
    for name in ("Elements", "Ranges held against natural isotopes", "Change points",
                 "Tests of homogeneity", "Composition of the whole volume"):  # fmt: skip
        assert name in tables


def test_simulated_pictures_say_so(shown: tuple[Measurement, list[Block]]) -> None:
    from matplotlib.figure import Figure as MatplotlibFigure

    for one in figures(shown[1]):
        assert one.caption.startswith("SIMULATED.")
        assert one.alt.startswith("SIMULATED.")
        drawn = MatplotlibFigure(figsize=one.size)
        one.draw(drawn)
        assert "SIMULATED" in [text.get_text() for axes in drawn.axes for text in axes.texts]


def test_the_needle_is_drawn_to_one_scale(shown: tuple[Measurement, list[Block]]) -> None:
    from matplotlib.figure import Figure as MatplotlibFigure

    (atoms,) = [one for one in figures(shown[1]) if one.title.startswith("Atom map")]
    drawn = MatplotlibFigure(figsize=atoms.size)
    atoms.draw(drawn)
    assert [axes.get_aspect() for axes in drawn.axes] == [1.0, 1.0]
    bars = [text.get_text() for axes in drawn.axes for text in axes.texts]
    assert sum(text.endswith(" nm") for text in bars) == 2
    assert "All 6" in atoms.caption or "A sample of" in atoms.caption


def test_unanalysed_ions_still_have_a_spectrum_and_a_map(tmp_path: Path) -> None:
    one = needle(tmp_path / "n", LAYERS, 1)
    _, how = completed(one, {})
    blocks = ions_view([one], [], how)
    assert [type(block) for block in blocks] == [Figure, Figure, Cloud]
    assert "not analysed yet" in figures(blocks)[0].caption


class _Counting:
    """Counts what is read of many ions."""

    def __init__(self, ions: int) -> None:
        chance = np.random.default_rng(1)
        self.inner = array_source(*chance.random((3, ions)), chance.choice([7.016, 58.0], ions))
        self.ions, self.columns, self.read = ions, self.inner.columns, 0

    def blocks(self, columns, start=0, stop=None, size=1 << 16):  # type: ignore[no-untyped-def]
        for first, block in self.inner.blocks(columns, start, stop, size):
            self.read += block[columns[0]].size
            yield first, block


def test_a_cloud_is_a_sample_and_reads_no_more(tmp_path: Path) -> None:
    one = needle(tmp_path / "n", LAYERS, 1)
    source = _Counting(400_000)
    one.data.encoding[SOURCE] = source
    cloud = cloud_points(one)
    assert len(cloud.points) == source.read <= MOST_POINTS
    assert cloud.points.shape[1] == 3
    assert cloud.sampled
    assert "of 400000 ions" in cloud.sentence
    assert set(np.unique(cloud.species)) <= set(range(len(cloud.names)))
    assert len(cloud.names) == len(cloud.colours) == len(cloud.sizes)
    again = cloud_points(one)
    np.testing.assert_array_equal(cloud.points, again.points)
