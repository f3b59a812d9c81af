"""Limits of absent phases: is a phase that is there at its stated limit called absent?

    python benchmarks/xrd_limits.py [TRIALS] [SEED]

For each trial a random mixture of one or two library phases is simulated and identified.  One of
the phases called absent below a limit is then planted at that limit (the area of its strongest
line in range; its other lines as computed), with lines of one to four times the median width of
the pattern's peaks, under another draw of the noise; the pattern is identified again.  Half of
the trials have a background that drifts and a halo.  The statement is wrong where the phase is
called absent below a limit that its own area reaches; that may happen in 5 % of trials at most.
The limit differs a little between the two draws; "absent" below one that is larger than what was
planted is no wrong statement and is counted apart.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import beta

from consilience_xrd.axes import two_theta_to_q
from consilience_xrd.identification.both import identify_pattern
from consilience_xrd.identification.matching import MatchSettings, observed_from_fit
from consilience_xrd.identification.results import PhaseResult
from consilience_xrd.lines.peaks import PeakFit, fit_peaks
from consilience_xrd.lines.profiles import pseudo_voigt
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.phases import library
from consilience_xrd.references.reference import ReferencePattern, reference_pattern

LAM = 0.6888
X = np.linspace(6.0, 30.0, 3000)


def _references(cache: Path) -> dict[str, ReferencePattern]:
    return {k: reference_pattern(p, LAM, (0.5, 5.5), cache) for k, p in library().items()}


def _lines(reference: ReferencePattern, top: float, width: float, shift: float) -> np.ndarray:
    """Lines with the area `top` for a relative intensity of 100."""
    out = np.zeros_like(X)
    for line in reference.lines:
        out += top * line.intensity / 100 * pseudo_voigt(X, line.two_theta + shift, width, 0.5)
    return out


def _identify(
    counts: np.ndarray, references: dict[str, ReferencePattern]
) -> tuple[PeakFit, list[PhaseResult]]:
    pattern = Pattern("two_theta", X, counts, None, "count", Source(LAM), origin="simulated")
    fit = fit_peaks(pattern)
    q = two_theta_to_q(X, LAM)
    _, results, _ = identify_pattern(
        pattern, fit, observed_from_fit(fit, pattern), list(references.values()),
        (float(q[0]), float(q[-1])), MatchSettings(),
    )  # fmt: skip
    return fit, results


def trial(
    rng: np.random.Generator, drifting: bool, references: dict[str, ReferencePattern]
) -> tuple[str, float, bool, float] | None:
    """One trial: planted phase, width ratio, whether it is called absent, planted over limit.

    None where no phase is called absent.
    """
    t = (X - X[0]) / (X[-1] - X[0])
    expected = 200 * (1 - 0.4 * t)
    if drifting:
        expected += 150 * np.exp(-0.5 * ((X - 8.5) / 1.5) ** 2) + 60 * np.sin(4 * t) ** 2
    width, shift = rng.uniform(0.06, 0.14), rng.normal(0, 0.05)
    chosen = rng.choice(list(references), int(rng.integers(1, 3)), replace=False)
    for key in map(str, chosen):
        expected = expected + _lines(
            references[key], 10 ** rng.uniform(3.0, 4.2) * width, width, shift
        )
    fit, results = _identify(rng.poisson(expected).astype(float), references)
    absent = [r for r in results if r.status == "absent_below_limit" and r.limit is not None]
    if not absent:
        return None
    one = absent[int(rng.integers(len(absent)))]
    largest = max(p.area for p in fit.peaks)
    reference = references[one.phase]
    low, high = (float(v) for v in two_theta_to_q(X[[0, -1]], LAM))
    strongest = max(line.intensity for line in reference.lines if low <= line.q <= high)
    ratio = float(rng.uniform(1.0, 4.0))
    assert one.limit is not None
    planted = one.limit * largest * 100 / strongest
    median = float(np.median([p.fwhm for p in fit.peaks]))
    expected = expected + _lines(reference, planted, ratio * median, shift)
    fit, results = _identify(rng.poisson(expected).astype(float), references)
    again = next(r for r in results if r.phase == one.phase)
    if again.status != "absent_below_limit" or again.limit is None:
        return one.phase, ratio, False, 1.0
    reached = one.limit * largest / (again.limit * max(p.area for p in fit.peaks))
    return one.phase, ratio, True, reached


def _report(name: str, done: int, below: int, wrong: list[str]) -> None:
    upper = float(beta.ppf(0.95, len(wrong) + 1, max(done - len(wrong), 1)))
    print(
        f"{name}: {done} planted, wrongly called absent {len(wrong)} "
        f"({len(wrong) / max(done, 1):.1%}, below {upper:.1%} with 95 % confidence)"
        + (": " + ", ".join(wrong) if wrong else "")
        + f"; absent below a new limit that is larger than what was planted: {below}",
        flush=True,
    )


def main(number: int, seed: int) -> None:
    """Print the share of planted phases that were called absent, with its 95 % upper bound.

    Half of the trials have the drifting background; every tenth trial prints where it is.
    """
    names = ("straight background", "drifting background and halo")
    with tempfile.TemporaryDirectory() as folder:
        references = _references(Path(folder))
        counts: list[tuple[int, int, list[str]]] = [(0, 0, []), (0, 0, [])]
        draws = [np.random.default_rng([seed, drifting]) for drifting in (0, 1)]
        for i in range(number):
            drifting = i % 2
            got = trial(draws[drifting], bool(drifting), references)
            if got is not None:
                done, below, wrong = counts[drifting]
                phase, ratio, absent, reached = got
                if absent and reached >= 1:
                    wrong.append(f"{phase} ({ratio:.1f} widths, {reached:.2f} of the new limit)")
                counts[drifting] = (done + 1, below + (absent and reached < 1), wrong)
            if (i + 1) % 10 == 0 or i + 1 == number:
                for name, count in zip(names, counts, strict=True):
                    _report(name, *count)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 200,
        int(sys.argv[2]) if len(sys.argv) > 2 else 1,
    )
