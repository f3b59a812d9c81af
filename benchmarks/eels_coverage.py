"""Do the errors of t/λ and of compositions hold?  Pulls of 1 000 repeats, half by another model.

``python -m benchmarks eels_coverage``; the forward models are those of the tests.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

REPEATS = 500
"""For each of the two models."""


def main() -> None:
    sys.path.append(str(Path(__file__).parents[1] / "plugins" / "eels" / "tests"))
    for name, one in (("t/λ", thickness), ("x(Fe)", composition)):
        for other in (False, True):
            pulls, within = one(other=other)
            model = "another model" if other else "own model"
            print(
                f"{name}, {model}: pull {np.mean(pulls):+.3f} ± {np.std(pulls):.3f} about the "
                f"value without noise; {100 * within:.1f} % within 2 total σ of the truth"
            )


def thickness(*, other: bool) -> tuple[list[float], float]:
    """Pulls by the counting error, and the share of truths within twice the whole error."""
    from eels_models import CONTEXT, ENERGY_LOSS, low_loss, measurement

    from consilience_eels.findings.thickness_run import ThicknessParams, run_thickness
    from consilience_eels.lowloss.thickness import log_ratio

    random = np.random.default_rng(1)
    truth, gain = 0.8, 4.0
    clean = low_loss(truth, electrons=5e4, other=other)
    expected = float(log_ratio(ENERGY_LOSS, clean, 8.0).t_over_lambda)
    params = ThicknessParams(threshold=8.0, counts_per_electron=gain)
    pulls, inside = [], 0
    for _ in range(REPEATS):
        counts = gain * random.poisson(clean)
        if other:
            counts = counts + random.normal(0.0, 6.0, clean.size)
        (found,) = run_thickness(
            [measurement(counts, ENERGY_LOSS, "eels")], params, CONTEXT
        ).findings
        pulls.append((found.value - expected) / found.std_stat)
        inside += found.std is not None and abs(found.value - truth) < 2 * found.std
    return pulls, inside / REPEATS


def composition(*, other: bool) -> tuple[list[float], float]:
    """Pulls by the counting error, and the share of truths within twice the whole error."""
    from eels_models import CONTEXT, ENERGY, measurement, x_rays

    from consilience_eels.findings.quantify_run import QuantificationParams, run_quantification
    from consilience_eels.library import atomic_weight

    random = np.random.default_rng(2)
    k = {"Fe_Ka": 1.450226, "Pt_La": 5.075602}
    params = QuantificationParams(k_factors=k, k_std=dict.fromkeys(k, 0.0))
    parts = [
        k[line] * counts / atomic_weight(line[:2])
        for line, counts in (("Fe_Ka", 3000.0), ("Pt_La", 15000.0))
    ]
    truth = parts[0] / sum(parts)
    clean = x_rays(3000.0, 15000.0, 60.0, other=other)

    def found_in(counts: np.ndarray) -> object:
        output = run_quantification([measurement(counts, ENERGY, "edx")], params, CONTEXT)
        return next(f for f in output.findings if f.subject.element == "Fe")

    expected = found_in(clean).value
    pulls, inside = [], 0
    for _ in range(REPEATS):
        found = found_in(random.poisson(clean))
        pulls.append((found.value - expected) / found.std_stat)
        inside += abs(found.value - truth) < 2 * found.std
    return pulls, inside / REPEATS
