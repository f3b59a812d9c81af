"""The analyses of low losses and frames through a study: findings, arrays, refusals."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from eels_models import CONTEXT, ENERGY_LOSS, low_loss, measurement
from scipy import ndimage

from consilience import Study
from consilience.errors import BadInputError
from consilience_eels.files.reading import read_msa
from consilience_eels.findings.deconvolution_run import (
    FourierRatioParams,
    SingleScatteringParams,
    run_fourier_ratio,
    run_single_scattering,
)
from consilience_eels.findings.frames_run import FramesParams, run_frames
from consilience_eels.findings.splice_run import SpliceParams, run_splice
from consilience_eels.findings.zero_loss_run import ZeroLossParams, run_zero_loss
from consilience_eels.library import write_hspy


def named(data: Any, name: str, **state: Any) -> Any:
    data.id = f"m-{name}"
    data.record = SimpleNamespace(name=name, file_name=f"{name}.hspy", state=state)
    return data


def spectrum_image(random: np.random.Generator) -> np.ndarray:
    shifts = random.integers(-4, 5, (3, 5))
    cube = np.stack([[np.roll(random.poisson(low_loss(0.7)), k) for k in row] for row in shifts])
    cube[1, 2, 900] += 5000
    return cube.astype(np.uint32)


# -- zero loss ------------------------------------------------------------------------------------


def test_energy_resolution_place_and_spikes_of_a_map() -> None:
    data = measurement(spectrum_image(np.random.default_rng(1)), ENERGY_LOSS, "eels")
    output = run_zero_loss(
        [data], ZeroLossParams(counts_per_electron=1.0, keep_aligned=True), CONTEXT
    )
    (found,) = output.findings
    assert found.value == pytest.approx(0.4 * 2.3548, rel=0.01)
    assert found.std_stat is not None
    assert found.std_stat < 0.01
    assert found.evidence["spikes"] == 1
    assert found.evidence["spike_list"] == [
        {"pixel": [1, 2], "energy_eV": pytest.approx(160.0, abs=0.3)}
    ]
    assert found.evidence["fwhm_of_the_sum_eV"] > 1.1 * found.value
    assert found.evidence["fwhm_aligned_eV"] == pytest.approx(found.value, rel=0.08)
    maps = output.arrays["zero_loss"]
    assert maps["position"].attrs["ancillary_variables"] == "position_std"
    assert maps["position"].dims == ("y", "x")
    aligned = output.arrays["aligned"]["counts"]
    tops = aligned["energy_loss"].values[aligned.values.argmax(axis=-1)]
    assert np.abs(tops).max() <= 0.2
    assert aligned.values[1, 2, -600:].max() < 1000, "the spike is gone"
    assert {n.code for n in output.notices} >= {"spikes"}


@pytest.mark.data
def test_zero_loss_of_the_shared_spectrum(shared_data: Path) -> None:
    (signal,) = read_msa(shared_data / "eels_edx" / "lowloss_spectrum.msa", {}, {})
    assert signal.data is not None
    data = named(measurement(np.ones(5), np.arange(5.0), "eels"), "low")
    data.data = signal.data
    (found,) = run_zero_loss([data], ZeroLossParams(), CONTEXT).findings
    assert found.evidence["position_eV"] == pytest.approx(0.8, abs=0.2), "the highest channel"
    from consilience_eels.files.bridge import to_hyperspy

    theirs = to_hyperspy(data).isig[-5.0:6.0].estimate_peak_width(show_progressbar=False)
    assert found.value == pytest.approx(float(theirs.data[0]), rel=0.02)
    assert found.std_stat is None
    (signal,) = read_msa(shared_data / "eels_edx" / "coreloss_spectrum.msa", {}, {})
    data.data = signal.data
    output = run_zero_loss([data], ZeroLossParams(), CONTEXT)
    assert not output.findings
    assert "does not hold the zero-loss peak" in output.notices[0].message
    assert output.notices[0].fix == "record the low loss of the same region, with its zero loss"


def test_resolution_of_a_saturated_zero_loss_is_not_observable() -> None:
    values = low_loss(0.5)
    data = measurement(np.minimum(values, 0.5 * values.max()), ENERGY_LOSS, "eels")
    (found,) = run_zero_loss([data], ZeroLossParams(), CONTEXT).findings
    assert found.status == "not_observable"
    assert "saturated" in (found.reason or "")
    one = measurement(spectrum_image(np.random.default_rng(2))[:1, :1], ENERGY_LOSS, "eels")
    (found,) = run_zero_loss([one], ZeroLossParams(), CONTEXT).findings
    assert found.value == pytest.approx(0.942, rel=0.02)
    assert found.evidence["drift_std_eV"] is None


# -- frames ---------------------------------------------------------------------------------------


def stack(random: np.random.Generator, *, spectral: bool) -> tuple[Any, np.ndarray]:
    base = ndimage.gaussian_filter(random.normal(size=(60, 60)), 2.0)
    base = (base - base.min()) / np.ptp(base)
    shift = np.array([[0.0, 0.0], [0.6, -0.3], [1.5, -0.8], [2.2, -1.1], [2.6, -2.0]])
    frames = np.stack(
        [200 * ndimage.shift(base, s, order=3, mode="nearest")[12:-12, 10:-10] + 20 for s in shift]
    )
    dims: tuple[str, ...] = ("time", "y", "x")
    coordinates: dict[str, Any] = {
        "y": ("y", 0.5 * np.arange(36), {"units": "nm"}),
        "x": ("x", 0.5 * np.arange(40), {"units": "nm"}),
    }
    values = random.poisson(np.clip(frames, 0, None))
    if spectral:
        share = np.array([0.5, 0.3, 0.2])
        values = random.poisson(np.clip(frames, 0, None)[..., None] * share)
        dims = (*dims, "energy_loss")
        coordinates["energy_loss"] = ("energy_loss", np.arange(3.0), {"units": "eV"})
    name = "counts" if spectral else "intensity"
    data = named(measurement(np.ones(5), np.arange(5.0), "eels"), "series")
    data.data = xr.Dataset({name: (dims, values, {"units": "count"})}, coordinates)
    return data, shift


@pytest.mark.parametrize("spectral", [False, True])
def test_drift_is_a_finding_and_the_sum_an_array(spectral: bool) -> None:
    data, shift = stack(np.random.default_rng(3), spectral=spectral)
    output = run_frames([data], FramesParams(), CONTEXT)
    (found,) = output.findings
    truth = 0.5 * np.hypot(*shift[-1])
    assert found.std_stat is not None
    assert abs(found.value - truth) < 4 * found.std_stat
    assert found.std_stat < 0.1
    assert found.evidence["frames"] == 5
    drift = output.arrays["drift"]
    assert drift["shift_y"].values == pytest.approx(0.5 * shift[:, 0], abs=0.15)
    assert drift["shift_x_std"].values[0] == 0
    summed = next(iter(output.arrays["sum"].data_vars.values()))
    assert summed.sizes["y"] == pytest.approx(36 - 3, abs=1)
    assert summed.sizes["x"] == pytest.approx(40 - 2, abs=1)
    assert any("neighbours share electrons" in text for text in found.assumptions)
    whole = run_frames([data], FramesParams(subpixel=False), CONTEXT).findings[0]
    assert whole.evidence["noise_factor_of_the_sum"] == pytest.approx(1.0)


def test_frames_without_structure_and_single_frames() -> None:
    random = np.random.default_rng(4)
    data, _ = stack(random, spectral=False)
    data.data["intensity"].values[:] = random.poisson(50.0, data.data["intensity"].shape)
    (found,) = run_frames([data], FramesParams(), CONTEXT).findings
    assert found.status == "not_observable"
    assert found.value is None
    data.data = data.data.isel(time=0)
    assert run_frames([data], FramesParams(), CONTEXT).findings == []


# -- deconvolution and splice ---------------------------------------------------------------------


def pair(random: np.random.Generator) -> list[Any]:
    energy = 200.0 + 0.2 * np.arange(1500)
    low = random.poisson(low_loss(0.8, electrons=1e6) + 2e7 * np.clip(ENERGY_LOSS, 30, None) ** -2)
    core = 2e8 * energy**-2.0 * np.where(energy > 350, 1.3, 1.0)
    return [
        named(measurement(low, ENERGY_LOSS, "eels"), "low"),
        named(measurement(random.poisson(core), energy, "eels"), "core"),
    ]


def test_single_scattering_is_a_finding_with_its_spectrum() -> None:
    low, core = pair(np.random.default_rng(5))
    params = SingleScatteringParams(threshold=8.0, counts_per_electron=1.0)
    output = run_single_scattering([low], params, CONTEXT)
    (found,) = output.findings
    assert found.value is None
    assert found.evidence["t_over_lambda_of_the_distribution"] == pytest.approx(0.95, abs=0.2)
    spectrum = output.arrays["spectrum"]
    assert spectrum["single_scattering_std"].shape == (1500,)
    output = run_single_scattering([core], params, CONTEXT)
    assert not output.findings
    assert "cannot be taken out of it alone" in output.notices[0].message
    values = low_loss(0.5)
    bad = measurement(np.minimum(values, 0.5 * values.max()), ENERGY_LOSS, "eels")
    (found,) = run_single_scattering([bad], params, CONTEXT).findings
    assert (found.status, found.evidence["fault"]) == ("not_observable", "saturated")


def test_fourier_ratio_of_a_pair() -> None:
    both = pair(np.random.default_rng(6))
    params = FourierRatioParams(background=(300.0, 340.0), threshold=8.0, counts_per_electron=1.0)
    output = run_fourier_ratio(both, params, CONTEXT)
    (found,) = output.findings
    assert found.measurements == ["m-low", "m-core"]
    spectrum = output.arrays["spectrum_0"]
    assert {"without_plural_scattering", "without_plural_scattering_std"} <= set(spectrum)
    before = (spectrum["energy_loss"] > 300) & (spectrum["energy_loss"] < 340)
    assert abs(float(spectrum["net"].values[before].mean())) < 20
    with pytest.raises(BadInputError, match="no window was named"):
        run_fourier_ratio(both, FourierRatioParams(), CONTEXT)
    assert run_fourier_ratio(both[:1], params, CONTEXT).findings == []
    with pytest.raises(BadInputError, match=r"'nix' names 0 of the sample's energy losses"):
        run_fourier_ratio(both, FourierRatioParams(low="nix", core="core"), CONTEXT)


def test_splice_of_a_pair_and_of_one_that_does_not_overlap() -> None:
    both = pair(np.random.default_rng(7))
    output = run_splice(both, SpliceParams(counts_per_electron=(1.0, 1.0)), CONTEXT)
    (found,) = output.findings
    assert found.std_stat is not None
    assert found.std_sys is not None
    assert abs(found.value - 0.1) < 4 * np.hypot(found.std_stat, found.std_sys)
    assert found.evidence["overlap_eV"] == pytest.approx([199.9, 279.9])
    joined = output.arrays["spectrum_0"]["counts"]
    assert joined["energy_loss"].values[[0, -1]] == pytest.approx([-20.0, 499.8])
    assert not output.notices
    both[1].data = both[1].data.isel(energy_loss=slice(600, None))
    output = run_splice(both, SpliceParams(), CONTEXT)
    assert not output.findings
    assert "share fewer than 8 channels" in output.notices[0].message
    with pytest.raises(BadInputError, match="share fewer than 8 channels"):
        run_splice(both, SpliceParams(low="low", core="core"), CONTEXT)


# -- through a study ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    folder = tmp_path_factory.mktemp("lowloss")
    random = np.random.default_rng(8)
    cube = spectrum_image(random)
    axes: list[dict[str, Any]] = [
        {"name": n, "size": s, "navigate": True, "offset": 0.0, "scale": 2.0, "units": "nm"}
        for n, s in (("y", 3), ("x", 5))
    ]
    axes.append(
        {
            "name": "Energy loss",
            "size": 1500,
            "navigate": False,
            "offset": -20.0,
            "scale": 0.2,
            "units": "eV",
            "is_binned": True,
        }
    )
    metadata = {
        "General": {"title": "low", "notes": "origin: simulated"},
        "Signal": {"signal_type": "EELS", "quantity": "Electrons (Counts)"},
    }
    write_hspy(folder / "low.hspy", cube, axes, metadata)
    series, _ = stack(random, spectral=False)
    axes = [
        {"name": n, "size": s, "navigate": n == "t", "offset": 0.0, "scale": 0.5, "units": u}
        for n, s, u in (("t", 5, "s"), ("y", 36, "nm"), ("x", 40, "nm"))
    ]
    metadata = {"General": {"title": "frames"}, "Signal": {"signal_type": ""}}
    write_hspy(folder / "frames.hspy", series.data["intensity"].values, axes, metadata)
    with Study.create(folder / "study") as made:
        made.add_sample("lamella")
        made.add(folder / "low.hspy", "lamella")
        made.add(folder / "frames.hspy", "lamella")
        optics = {"beam_energy": 300.0, "convergence_angle": 20.0, "collection_angle": 50.0}
        made.analyse(["eels.thickness"], params={"density": 2.64, "threshold": 8.0, **optics})
        made.analyse(["eels.zero_loss", "eels.image_frames"])
        made.analyse(["eels.single_scattering"])
        yield made


def test_findings_reach_the_study_with_origin_and_arrays(study: Study) -> None:
    (resolution,) = study.findings("energy_resolution")
    assert resolution.origin == "simulated"
    assert resolution.array is not None
    (drift,) = study.findings("drift")
    assert drift.unit == "nm"
    assert drift.origin == "measured"
    (thickness,) = study.findings("thickness")
    assert thickness.std_sys is not None
    assert thickness.value is not None
    assert thickness.std_sys == pytest.approx(0.2 * thickness.value, rel=1e-3)
    (single,) = study.findings("single_scattering")
    assert single.sentence is not None
