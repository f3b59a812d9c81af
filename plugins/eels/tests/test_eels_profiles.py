"""Profiles across interfaces: any direction and width, errors, and what is refused."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from eels_models import CONTEXT
from scipy.optimize import curve_fit
from scipy.special import ndtr

from consilience.errors import BadInputError
from consilience_eels.findings.profile_run import ProfileParams, run_profile
from consilience_eels.profiles.interface import fit_step, step_shape
from consilience_eels.profiles.line import line_profile

X, Y = 2.0 * np.arange(60.0), 2.0 * np.arange(40.0)


def measured(values: np.ndarray, unit: str = "nm", energy: np.ndarray | None = None) -> Any:
    dims: tuple[str, ...] = ("y", "x")
    coordinates = {
        "x": ("x", 2.0 * np.arange(values.shape[1]), {"units": unit}),
        "y": ("y", 2.0 * np.arange(values.shape[0]), {"units": unit}),
    }
    name, modality = "intensity", "stem"
    if energy is not None:
        name, modality = "counts", "eels" if energy[-1] > 50 else "edx"
        axis = "energy_loss" if modality == "eels" else "energy"
        dims = (*dims, axis)
        coordinates[axis] = (axis, energy, {"units": "eV" if modality == "eels" else "keV"})
    units = "1" if energy is None else "count"
    return SimpleNamespace(
        data=xr.Dataset({name: (dims, values, {"units": units})}, coordinates),
        modality=modality,
        metadata={},
        record=SimpleNamespace(name="image"),
    )


def tilted(angle: float, width: float = 6.0) -> np.ndarray:
    """A step through the middle of the image, its normal turned by an angle."""
    normal = math.cos(angle), math.sin(angle)
    dx, dy = np.meshgrid(X - 60.0, Y - 40.0)
    return 100.0 + 50.0 * ndtr((dx * normal[0] + dy * normal[1]) / (width / 2.563))


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.0, -0.7])
def test_a_line_of_any_direction(angle: float) -> None:
    chance = np.random.default_rng(1)
    image = tilted(angle) + chance.normal(0.0, 4.0, (40, 60))
    half = 34.0
    along = half * math.cos(angle), half * math.sin(angle)
    params = ProfileParams(
        start=(60.0 - along[0], 40.0 - along[1]), end=(60.0 + along[0], 40.0 + along[1]), width=16.0
    )
    profile, position, width = run_profile([measured(image)], params, CONTEXT).findings
    assert profile.evidence["pixels"] == pytest.approx(68 * 16 / 4, rel=0.2)
    assert position.value == pytest.approx(half, abs=3.5 * position.std_stat)
    assert width.value == pytest.approx(6.0, abs=3.5 * width.std_stat)
    assert position.std_stat < 0.4
    assert position.std_sys == pytest.approx(
        math.hypot(0.015 * position.value, position.evidence["std_sys_parts"]["shape"])
    )
    assert position.region.coordinates == [list(params.start), list(params.end)]


def test_means_are_those_of_the_pixels() -> None:
    image = np.random.default_rng(2).normal(10.0, 1.0, (40, 60))
    std = np.full(image.shape, 1.0)
    found = line_profile(image, std, X, Y, (0.0, 39.0), (118.0, 39.0), 80.0)
    assert found.values == pytest.approx(image.mean(axis=0))
    assert found.std == pytest.approx(np.full(60, 1.0 / math.sqrt(40)))
    assert found.scatter == pytest.approx(1.0, abs=0.05)
    narrow = line_profile(image, None, X, Y, (20.0, 10.0), (20.0, 70.0), 2.0)
    assert narrow.values == pytest.approx(image[5:36, 10])
    assert narrow.std is None, "one pixel in each bin: no scatter to take errors from"


def test_the_fit_is_the_least_squares_of_scipy() -> None:
    chance = np.random.default_rng(3)
    x, error = 2.0 * np.arange(50), np.full(50, 3.0)

    def model(x: Any, place: float, scale: float, a: float, b: float) -> Any:
        return a + (b - a) * step_shape("erf", x, 2.0, np.array([place]), np.array([scale]))[0]

    y = model(x, 47.3, 6.0, 20.0, 90.0) + chance.normal(0.0, error)
    found = fit_step(x, y, error, 2.0)
    assert found is not None
    best, covariance = curve_fit(
        model, x, y, (50.0, 5.0, 20.0, 90.0), sigma=error, absolute_sigma=True
    )
    assert found.best == pytest.approx(tuple(best[:2]), abs=0.1)
    assert (found.before, found.after) == pytest.approx(tuple(best[2:]), abs=0.3)
    assert found.location == pytest.approx(best[0], abs=0.1)
    assert found.location_std == pytest.approx(math.sqrt(covariance[0, 0]), rel=0.1)
    assert found.width_std == pytest.approx(2.563 * math.sqrt(covariance[1, 1]), rel=0.15)
    assert found.degrees == 46


def test_a_sharp_interface_gives_an_upper_limit() -> None:
    image = np.where(X[None, :] < 61.0, 50.0, 80.0) + np.random.default_rng(4).normal(
        0.0, 5.0, (40, 60)
    )
    _, position, width = run_profile([measured(image)], ProfileParams(), CONTEXT).findings
    assert position.value == pytest.approx(61.0, abs=0.3)
    assert width.std_stat is None
    assert width.interval is not None
    assert width.interval.low == 0.0
    assert width.interval.high < 2.5
    assert "a sharp interface is not excluded: the interval is an upper limit" in width.assumptions


def test_no_step_is_no_interface() -> None:
    image = np.random.default_rng(5).normal(50.0, 5.0, (40, 60))
    _, position, width = run_profile([measured(image)], ProfileParams(), CONTEXT).findings
    assert position.status == width.status == "not_observable"
    assert position.reason is not None
    assert "a step explains the profile no better than a constant" in position.reason


def test_two_interfaces_are_parted_by_the_user() -> None:
    layer = ndtr((X - 30.0) / 2.0) - ndtr((X - 82.0) / 4.0)
    image = 10.0 + 40.0 * layer + np.random.default_rng(6).normal(0.0, 3.0, (40, 60))
    params = ProfileParams(between=((0.0, 56.0), (56.0, 118.0)))
    found = run_profile([measured(image)], params, CONTEXT).findings
    places = [f for f in found if f.kind == "interface_position"]
    widths = [f for f in found if f.kind == "interface_width"]
    assert [p.value for p in places] == pytest.approx([30.0, 82.0], abs=0.4)
    assert [w.value for w in widths] == pytest.approx([5.1, 10.3], abs=0.7)
    (_, whole, _) = run_profile([measured(image)], ProfileParams(), CONTEXT).findings
    said = " ".join([*whole.assumptions, whole.reason or ""])
    assert "one step does not explain the profile" in said or "no better than" in said


def test_an_edge_across_an_interface() -> None:
    energy = 440.0 + 0.5 * np.arange(400)
    shares = ndtr((X - 60.0) / 3.0)
    edge = np.where(energy >= 532.0, (energy / 532.0) ** -3.0, 0.0)
    under = 200.0 * (energy / 500.0) ** -3.0
    expected = under + 60.0 * shares[None, :, None] * edge
    cube = np.random.default_rng(7).poisson(np.broadcast_to(expected, (8, 60, 400)))
    params = ProfileParams(edges=("O_K",))
    output = run_profile([measured(cube, energy=energy)], params, CONTEXT)
    profile, position, width = output.findings
    assert profile.subject is not None
    assert (profile.subject.element, profile.subject.label) == ("O", "O_K")
    assert position.value == pytest.approx(60.0, abs=3.5 * position.std_stat)
    assert width.value == pytest.approx(7.7, abs=3.5 * width.std_stat)
    data = output.arrays["profile_0"]
    assert data["value"].attrs["ancillary_variables"] == "value_std"
    assert profile.evidence["scatter_over_noise"] == pytest.approx(1.0, abs=0.15)
    with pytest.raises(BadInputError, match="no windows for Ti_L3: Ti_L3 at 456 eV"):
        run_profile([measured(cube, energy=energy)], ProfileParams(edges=("Ti_L3",)), CONTEXT)
    with pytest.raises(BadInputError, match="'O_L3' is no edge of O that exSpy knows"):
        run_profile([measured(cube, energy=energy)], ProfileParams(edges=("O_L3",)), CONTEXT)
    with pytest.raises(BadInputError, match="is an X-ray line, and this image has energy losses"):
        run_profile([measured(cube, energy=energy)], ProfileParams(lines=("Pt_La",)), CONTEXT)


def test_an_x_ray_line_across_an_interface() -> None:
    energy = 0.02 * np.arange(700)
    line = np.exp(-0.5 * ((energy - 6.4039) / 0.058) ** 2)
    expected = 3.0 + 20.0 * ndtr((60.0 - X) / 2.0)[None, :, None] * line
    cube = np.random.default_rng(8).poisson(np.broadcast_to(expected, (8, 60, 700)))
    spectra = measured(cube, energy=energy)
    output = run_profile([spectra], ProfileParams(lines=("Fe_Ka",)), CONTEXT)
    profile, position, _ = output.findings
    assert position.value == pytest.approx(60.0, abs=3.5 * position.std_stat)
    assert position.evidence["level_before"] == pytest.approx(20.0 * line.sum(), rel=0.05)
    assert position.evidence["level_after"] == pytest.approx(0.0, abs=6.0)
    assert profile.evidence["scatter_over_noise"] == pytest.approx(1.0, abs=0.15)
    with pytest.raises(BadInputError, match="'Fe_Kx' is no line of Fe that exSpy knows"):
        run_profile([spectra], ProfileParams(lines=("Fe_Kx",)), CONTEXT)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (measured(np.ones((1, 1))), "too few pixels for a profile"),
        (measured(np.ones((9, 9)), unit="1"), "not calibrated, so no distance is in nm"),
    ],
)
def test_images_without_a_profile(image: Any, said: str) -> None:
    output = run_profile([image], ProfileParams(), CONTEXT)
    assert not output.findings
    assert said in output.notices[0].message


def test_a_line_outside_the_image_is_refused() -> None:
    with pytest.raises(BadInputError, match="the end of the line, x 300 y 10 nm, is not in"):
        run_profile(
            [measured(np.ones((40, 60)))], ProfileParams(start=(0, 10), end=(300, 10)), CONTEXT
        )
    with pytest.raises(ValueError, match="needs both 'start' and 'end'"):
        ProfileParams(start=(0, 10))
