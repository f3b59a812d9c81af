"""Axis of energy losses and blocks of rows."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from consilience.errors import BadInputError
from consilience_eels.spectra import LossAxis, blocks_of_rows

ENERGY = 300.0 + 0.5 * np.arange(400)


def test_windows_are_those_of_hyperspy() -> None:
    import hyperspy.api as hs

    signal = hs.signals.Signal1D(np.arange(400.0))
    signal.axes_manager[0].scale, signal.axes_manager[0].offset = 0.5, 300.0
    axis = LossAxis.of(ENERGY)
    chance = np.random.default_rng(1)
    for low, high in np.sort(chance.uniform(300.0, 499.5, (60, 2)), axis=1):
        if high - low > 1.0:
            theirs = signal.isig[float(low) : float(high)].data
            assert np.array_equal(np.arange(400.0)[axis.window(low, high)], theirs)


def test_axis_of_a_data_set() -> None:
    data = xr.Dataset(coords={"energy_loss": ("energy_loss", ENERGY, {"units": "eV"})})
    axis = LossAxis.of(data)
    assert (axis.size, axis.step) == (400, 0.5)
    assert (axis.low, axis.high) == (299.75, 499.75)
    assert axis.window(400.0, axis.high) == slice(200, 400)


@pytest.mark.parametrize(
    ("energy", "said"),
    [
        ([1.0], "has 1 channels"),
        ([3.0, 2.0, 1.0], "does not rise"),
        ([1.0, 2.0, 4.0, 5.0], "not even"),
        ([1.0, np.nan, 3.0], "does not rise"),
    ],
)
def test_axes_that_are_none(energy: list[float], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        LossAxis.of(np.array(energy))


def test_an_axis_in_channels_is_refused() -> None:
    data = xr.Dataset(coords={"energy_loss": ("energy_loss", ENERGY, {"units": "1"})})
    with pytest.raises(BadInputError, match="in '1', not in eV"):
        LossAxis.of(data)


@pytest.mark.parametrize("window", [(100.0, 350.0), (400.0, 600.0), (400.0, 350.0)])
def test_a_window_outside_the_axis_is_refused(window: tuple[float, float]) -> None:
    with pytest.raises(BadInputError, match=r"not within the energy axis, 299.75 to 499.75 eV"):
        LossAxis.of(ENERGY).window(*window)


def test_a_window_without_a_channel_is_refused() -> None:
    with pytest.raises(BadInputError, match="holds no channel"):
        LossAxis.of(ENERGY).window(400.1, 400.15)


@pytest.mark.parametrize("rows", [None, 1, 4, 100])
def test_blocks_are_the_cube(rows: int | None) -> None:
    cube = np.random.default_rng(2).poisson(50.0, (3, 5, 40)).astype(np.uint16)
    parts = list(blocks_of_rows(cube, rows, slice(4, 30)))
    assert np.array_equal(np.concatenate([b for _, b in parts]), cube.reshape(15, 40)[:, 4:30])
    assert [p.start for p, _ in parts][1:] == [p.stop for p, _ in parts][:-1]
    assert {b.dtype for _, b in parts} == {np.dtype("float32")}


def test_a_cube_of_float32_is_not_copied() -> None:
    cube = np.ones((6, 40), np.float32)
    assert all(np.shares_memory(block, cube) for _, block in blocks_of_rows(cube))
