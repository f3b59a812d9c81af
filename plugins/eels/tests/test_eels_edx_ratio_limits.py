"""How much of an element that was not seen there can be for each atom of one that was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from eels_models import ENERGY, measurement

from consilience.model.sample import Sample
from consilience_eels.findings.quantify_run import QuantificationParams, run_quantification
from consilience_eels.library import atomic_weight
from consilience_eels.xray.ratio_limits import Z

CONTEXT: Any = SimpleNamespace(sample=Sample(id="s", elements=["F", "P"]))
K = {"F_Ka": 1.0, "P_Ka": 0.93}
STD = {"F_Ka": 0.0, "P_Ka": 0.19}
AT = {"F_Ka": 0.6768, "P_Ka": 2.0133}
BEAM = {
    "beam_energy": {"value": 300.0, "unit": "keV"},
    "energy_resolution_mn_ka": {"value": 130.0, "unit": "eV"},
}


def counts_of(fluorine: float, per: float = 0.0, k: float = K["P_Ka"]) -> Any:
    """Expected counts with `per` atoms of phosphorus for each of fluorine, and a k-factor of it."""
    atoms = fluorine * K["F_Ka"] / atomic_weight("F")
    phosphorus = per * atoms * atomic_weight("P") / k
    made = np.full(ENERGY.size, 0.6)
    for line, number in (("F_Ka", fluorine), ("P_Ka", phosphorus)):
        width = 1e-3 * np.sqrt(130.0**2 + 2.5e3 * (AT[line] - 5.8987)) / 2.3548
        shape = np.exp(-((ENERGY - AT[line]) ** 2) / (2.0 * width**2))
        made = made + number * shape / shape.sum()
    return made


def said(counts: Any, **params: Any) -> dict[str, Any]:
    asked = {"k_factors": K, "k_std": STD, "detector_window": "windowless", **params}
    data = measurement(np.asarray(counts), ENERGY, "edx", **BEAM)
    output = run_quantification([data], QuantificationParams(**asked), CONTEXT)
    return {str(f.subject.element): f for f in output.findings if f.kind == "element" and f.subject}


def limit(found: dict[str, Any]) -> float | None:
    return dict(found["P"].evidence.get("limit_per", {})).get("F")


def test_a_line_that_is_not_seen_limits_the_ratio_of_atoms() -> None:
    found = said(np.random.default_rng(3).poisson(counts_of(1000.0)))
    assert found["P"].status == "absent_below_limit"
    assert found["F"].status == "present"
    atoms = [K[f"{e}_Ka"] / atomic_weight(e) for e in ("P", "F")]
    counted = found["P"].evidence["detection_counts"] / found["F"].evidence["net_counts"]
    bare = counted * atoms[0] / atoms[1]
    at_most = limit(found)
    assert at_most is not None
    assert bare * (1.0 + Z * STD["P_Ka"] / K["P_Ka"]) < at_most < 2.0 * bare
    assert (
        "limits for each atom of another element leave absorption out"
        in (found["P"].assumptions[-1])
    )


@pytest.mark.parametrize(
    "params",
    [
        {"k_factors": {}, "k_std": {}},
        {"k_std": {}},
        {"k_std": {"F_Ka": 0.0}},
        {"k_factors": {"F_Ka": 1.0}, "k_std": {"F_Ka": 0.0}},
    ],
)
def test_without_factors_and_their_errors_there_is_no_limit_of_a_ratio(params: Any) -> None:
    found = said(np.random.default_rng(3).poisson(counts_of(1000.0)), **params)
    assert found["P"].status == "absent_below_limit"
    assert limit(found) is None


def test_a_softer_line_that_is_not_seen_gives_none() -> None:
    """Absorption would take more of fluorine's line than of phosphorus's."""
    found = said(np.random.default_rng(3).poisson(counts_of(1.0, per=900.0)))
    assert found["P"].status == "present"
    assert found["F"].status == "absent_below_limit"
    assert "limit_per" not in found["F"].evidence


def test_the_limit_holds_where_counts_and_factor_scatter_as_stated() -> None:
    """True ratios above the stated limit in 5 % at the most, and limits that still say something.

    A part of the spectra with 1 P for 80 F shows no phosphorus.
    """
    rng = np.random.default_rng(11)
    limits: dict[float, list[float]] = {true: [] for true in (0.006, 0.012, 0.024)}
    for true, given in limits.items():
        for _ in range(50):
            k = float(rng.normal(K["P_Ka"], STD["P_Ka"]))
            at_most = limit(said(rng.poisson(counts_of(400.0, true, max(k, 0.2)))))
            given += [] if at_most is None else [at_most]
    assert 8 < len(limits[0.012]) < 42
    assert sum(x < true for true, given in limits.items() for x in given) <= 0.05 * 150
    assert max(x for given in limits.values() for x in given) < 1.0 / 6.0
