"""What a spectrum image looked at: step, probe, area and thickness, and the map of a mean."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eels_models import CONTEXT, ENERGY, ENERGY_LOSS, low_loss, measurement, x_rays

from consilience.model.base import Quantity
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Notice
from consilience.sizes import BEAM, SIZES, STEP
from consilience_eels.files.instrument import microscope_of
from consilience_eels.files.reading import read_msa
from consilience_eels.findings.components_run import ComponentParams, run_components
from consilience_eels.findings.probed import BY_PATH, STATED, through
from consilience_eels.findings.profile_run import ProfileParams, run_profile
from consilience_eels.findings.quantify_run import QuantificationParams, run_quantification
from consilience_eels.findings.thickness_run import ThicknessParams, run_thickness

ANGLES = {"beam_energy": 300.0, "convergence_angle": 40.5, "collection_angle": 156.5}


def wedge(seed: int = 1) -> np.ndarray:
    """3 × 6 pixels, t/λ from 0.3 to 1.3 along x, 2 nm apart."""
    random = np.random.default_rng(seed)
    rows = [random.poisson(low_loss(0.3 + 0.2 * i), (3, ENERGY_LOSS.size)) for i in range(6)]
    return np.stack(rows, axis=1).astype(np.float32)


def thickness(data: Any, **params: Any) -> tuple[list[FindingDraft], dict[str, Any]]:
    output = run_thickness([data], ThicknessParams(threshold=8.0, **params), CONTEXT)
    return output.findings, output.arrays


def test_a_mean_names_its_map_and_each_number_its_depth() -> None:
    boxes = [{"name": "thin", "x": [0, 2]}]
    found, arrays = thickness(
        measurement(wedge(), ENERGY_LOSS, "eels"),
        counts_per_electron=1.0,
        regions=boxes,
        density=2.0,
        **ANGLES,
    )
    assert [f.kind for f in found] == ["t_over_lambda", "thickness"] * 2
    for relative, nm in zip(found[::2], found[1::2], strict=True):
        for one in (relative, nm):
            assert one.array == "map"
            assert one.probe is not None
            assert one.probe.lateral == Quantity(value=2.0, unit="nm")
            assert one.probe.depth is not None
            assert one.probe.depth.value == nm.value
            assert one.probe.depth.std_sys == nm.std_sys
            assert one.evidence[SIZES] == {"depth": BY_PATH, "lateral": STEP}
        names = relative.evidence["variable"], relative.evidence["variable_std"]
        assert set(names) <= set(map(str, arrays["map"]))
        assert relative.value == pytest.approx(
            float(arrays["map"][names[0]].values[:, : 2 if relative.region.label else 6].mean())
        )
    assert "variable" not in found[1].evidence, "the map is of t/λ, not of nm"
    assert found[0].region is not None
    assert (found[0].region.shape, found[0].region.coordinates) == ("whole", [[0, 0], [10, 4]])


def test_without_density_or_gain_nothing_is_made_up() -> None:
    (relative,), arrays = thickness(measurement(wedge(), ENERGY_LOSS, "eels"))
    assert relative.probe is not None
    assert relative.probe.depth is None
    assert relative.evidence["variable_std"] is None
    assert "t_over_lambda_std" not in arrays["map"]
    (single,), _ = thickness(measurement(low_loss(0.7), ENERGY_LOSS, "eels"))
    assert single.probe is None
    assert single.region is None
    assert "variable" not in single.evidence
    plain = measurement(wedge(), ENERGY_LOSS, "eels")
    plain.data["x"].attrs["units"] = plain.data["y"].attrs["units"] = "1"
    (pixels,), _ = thickness(plain)
    assert pixels.probe is None, "pixels have no length"


def test_a_stated_probe_goes_before_the_step() -> None:
    probe = {"beam_size": {"value": 0.12, "unit": "nm"}}
    (relative,), _ = thickness(measurement(wedge(), ENERGY_LOSS, "eels", **probe))
    assert relative.probe is not None
    assert relative.probe.lateral == Quantity(value=0.12, unit="nm")
    assert relative.evidence[SIZES] == {"lateral": BEAM}


def test_profiles_and_components_say_their_step() -> None:
    data = measurement(wedge(), ENERGY_LOSS, "eels")
    profiles = run_profile([data], ProfileParams(window=(10.0, 60.0)), CONTEXT).findings
    (parts,) = run_components([data], ComponentParams(components=2), CONTEXT).findings
    for one in (*profiles, parts):
        assert one.probe is not None
        assert one.probe.lateral == Quantity(value=2.0, unit="nm")
        assert one.probe.depth is None
    assert parts.region is not None
    assert parts.region.shape == "whole"
    assert {f.region.shape for f in profiles if f.region} == {"line"}


def test_x_rays_of_a_map_say_a_stated_thickness_and_name_their_maps() -> None:
    image = np.random.default_rng(3).poisson(x_rays(400.0, 900.0, 2.0), (4, 4, ENERGY.size))
    data = measurement(image.astype(np.float32), ENERGY, "edx")
    factors = {"k_factors": {"Fe_Ka": 1.45, "Pt_La": 5.08}, "elements": ("Fe", "Pt")}
    plain, told = (
        run_quantification([data], QuantificationParams(**factors, **more), CONTEXT).findings
        for more in ({}, {"thickness": 60.0})
    )
    assert {f.kind for f in plain} == {"composition", "element"}
    for one, other in zip(plain, told, strict=True):
        assert one.probe is not None
        assert other.probe is not None
        assert one.probe.lateral == other.probe.lateral == Quantity(value=2.0, unit="nm")
        assert one.probe.depth is None
        assert other.probe.depth == Quantity(value=60.0, unit="nm")
        assert other.evidence[SIZES] == {"depth": STATED, "lateral": STEP}
        assert one.region is not None
        assert one.region.coordinates == [[0.0, 0.0], [6.0, 6.0]]


def test_several_thicknesses_are_of_several_regions() -> None:
    one = FindingDraft(kind="thickness", method="m", value=40.0, unit="nm")
    none = FindingDraft(kind="thickness", method="m", status="not_observable", reason="no angle")
    assert through([one, none])[0] == Quantity(value=40.0, unit="nm")
    assert through([one, one]) == (None, "")
    assert through([none]) == (None, "")
    assert through([], 30.0) == (Quantity(value=30.0, unit="nm"), STATED)


def test_an_illuminated_area_is_a_disc_and_zero_is_not_recorded() -> None:
    notices: list[Notice] = []

    def stated(area: float) -> Any:
        column = {"Acquisition_instrument": {"TEM": {"probe_area": area}}}
        return microscope_of(column, {}, notices).get("beam_size")

    assert stated(np.pi) == {"value": pytest.approx(2.0), "unit": "nm"}
    assert stated(0.0) is None


@pytest.mark.data
def test_a_measured_spectrum_states_none_and_takes_the_option(shared_data: Path) -> None:
    path = shared_data / "eels_edx" / "lowloss_spectrum.msa"
    (silent,) = read_msa(path, {}, {})
    assert "beam_size" not in silent.metadata
    (told,) = read_msa(path, {"beam_size": "0.2 nm"}, {})
    assert told.metadata["beam_size"] == {"value": 0.2, "unit": "nm"}
