"""False labels: how often is a phase called present that was not simulated, and one missed?

Random mixtures of one to three library phases, with a common displacement, cells changed within
their stated errors, and Poisson noise.  In half of the patterns the forward model differs from the
fitter's: a curved background with a halo, and texture of single lines.

    python benchmarks/xrd_false_labels.py [PATTERNS] [SEED]
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from consilience_xrd.axes import two_theta_to_q
from consilience_xrd.identification.identify import area_limit, identify
from consilience_xrd.identification.matching import MatchSettings, observed_from_fit
from consilience_xrd.lines.peaks import fit_peaks
from consilience_xrd.lines.profiles import pseudo_voigt
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.phases import library
from consilience_xrd.references.reference import compute_pattern, reference_pattern

LAM = 0.6888


def one(
    rng: np.random.Generator, other_model: bool, cache: Path
) -> tuple[set[str], set[str], set[str], dict[str, set[str]]]:
    """Simulate one pattern.

    Returns the phases put in, those called present, those called absent, and for each phase
    present the rivals that it says cannot be told apart.
    """
    phases = library()
    count = int(rng.integers(1, 4))
    chosen = [str(k) for k in rng.choice(list(phases), count, replace=False)]
    x = np.linspace(6.0, 30.0, 3000)
    t = (x - 6.0) / 24.0
    y = 200 * (1 - 0.4 * t)
    if other_model:
        y += 150 * np.exp(-0.5 * ((x - 8.5) / 1.5) ** 2) + 80 * np.exp(-4 * t)
    shift = rng.normal(0, 0.05)
    width = rng.uniform(0.06, 0.16)
    for key in chosen:
        phase = phases[key]
        scale = 1 + rng.normal(0, phase.cell_std[0])
        a, b, c, *angles = phase.cell
        moved = replace(phase, cell=(a * scale, b * scale, c * scale, *angles), content="")
        top = 10 ** rng.uniform(2.6, 4.2)
        for line in compute_pattern(moved, LAM, (0.8, 4.9)).lines:
            factor = float(np.exp(rng.normal(0, 0.4))) if other_model else 1.0
            area = top * line.intensity / 100 * width * factor
            y += area * pseudo_voigt(x, line.two_theta + shift, width, 0.5)
    y = rng.poisson(y).astype(float)
    pattern = Pattern("two_theta", x, y, None, "count", Source(LAM), origin="simulated")
    fit = fit_peaks(pattern)
    references = [reference_pattern(p, LAM, (0.5, 5.5), cache) for p in phases.values()]
    q = two_theta_to_q(x, LAM)
    _, results = identify(
        observed_from_fit(fit, pattern),
        references,
        (float(q[0]), float(q[-1])),
        LAM,
        MatchSettings(),
        area_limit(pattern, fit),
    )
    absent = {r.phase for r in results if r.status == "absent_below_limit"}
    twins = {
        r.phase: {v.phase for v in r.rivals if v.indistinguishable}
        for r in results
        if r.status == "present"
    }
    return set(chosen), set(twins), absent, twins


def main(number: int, seed: int) -> None:
    """Print precision and recall for both forward models."""
    for other in (False, True):
        rng = np.random.default_rng([seed, other])
        right = false = missed = wrongly_absent = named = 0
        mistakes: list[str] = []
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(number // 2):
                put, said, absent, twins = one(rng, other, Path(folder))
                right += len(put & said)
                false += len(said - put)
                missed += len(put - said)
                named += sum(bool(twins[k] & put) for k in said - put)
                wrongly_absent += len(put & absent)
                mistakes += [f"{k} in {'+'.join(sorted(put))}" for k in sorted(said - put)]
                mistakes += [f"-{k} in {'+'.join(sorted(put))}" for k in sorted(put - said)]
        name = "other forward model" if other else "same forward model"
        print(
            f"{name}: {number // 2} patterns, {right + missed} phases put in, "
            f"{right + false} called present; precision {right / max(right + false, 1):.3f} "
            f"(with rivals that it says cannot be told apart "
            f"{(right + named) / max(right + false, 1):.3f}), "
            f"recall {right / max(right + missed, 1):.3f}, called absent though put in "
            f"{wrongly_absent} of {right + missed}"
        )
        for mistake in mistakes:
            print("   ", mistake)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 200,
        int(sys.argv[2]) if len(sys.argv) > 2 else 1,
    )
