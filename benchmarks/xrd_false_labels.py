"""False labels: how often is a phase called present that was not simulated, and one missed?

Random mixtures of one to three library phases, with a common displacement, cells changed within
their stated errors, and Poisson noise.  In half of the patterns the forward model differs from the
fitter's: a curved background with a halo, lines of another profile and of uneven width, and
texture and few grains that change every line's intensity.

    python benchmarks/xrd_false_labels.py [PATTERNS] [SEED] [same | other]

A phase counts as found *with rivals* where it was put in and is present, or is named as a live
rival of a phase that is; a label counts as right with rivals where its phase was put in, or one
of its live rivals was.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from consilience_xrd.axes import two_theta_to_q
from consilience_xrd.identification.both import identify_pattern
from consilience_xrd.identification.matching import MatchSettings, observed_from_fit
from consilience_xrd.identification.wholepattern import disagreements
from consilience_xrd.lines.peaks import fit_peaks
from consilience_xrd.lines.profiles import pearson_vii, pseudo_voigt
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.phases import library
from consilience_xrd.references.reference import compute_pattern, reference_pattern

LAM = 0.6888


@dataclass(frozen=True)
class Outcome:
    """One pattern: what was put in and what was said of each phase."""

    put: set[str]
    present: set[str]
    absent: set[str]
    live: dict[str, set[str]]
    whole: set[str]
    disputed: set[str]


def simulated(rng: np.random.Generator, other_model: bool) -> tuple[set[str], Pattern]:
    """A random mixture of library phases."""
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
        a, b, c, alpha, beta, gamma = phase.cell
        cell = (a * scale, b * scale, c * scale, alpha, beta, gamma)
        moved = replace(phase, cell=cell, content="")
        top = 10 ** rng.uniform(2.6, 4.2)
        own = width * float(np.exp(rng.normal(0, 0.15))) if other_model else width
        for line in compute_pattern(moved, LAM, (0.8, 4.9)).lines:
            factor = float(np.exp(rng.normal(0, 0.4))) if other_model else 1.0
            area = top * line.intensity / 100 * width * factor
            center = line.two_theta + shift
            if other_model:
                wide = own * (1 + 0.01 * (line.two_theta - 15))
                y += area * pearson_vii(x, center, wide, 0.4)
            else:
                y += area * pseudo_voigt(x, center, width, 0.5)
    counts = rng.poisson(y).astype(float)
    return set(chosen), Pattern(
        "two_theta", x, counts, None, "count", Source(LAM), origin="simulated"
    )


def judged(put: set[str], pattern: Pattern, cache: Path) -> Outcome:
    """Identify the phases of a pattern with the whole library and the default settings."""
    fit = fit_peaks(pattern)
    references = [reference_pattern(p, LAM, (0.5, 5.5), cache) for p in library().values()]
    q = two_theta_to_q(pattern.x, LAM)
    _, results, whole = identify_pattern(
        pattern,
        fit,
        observed_from_fit(fit, pattern),
        references,
        (float(q[0]), float(q[-1])),
        MatchSettings(),
    )
    return Outcome(
        put,
        {r.phase for r in results if r.status == "present"},
        {r.phase for r in results if r.status == "absent_below_limit"},
        {r.phase: {v.phase for v in r.rivals if v.live} for r in results if r.status == "present"},
        set() if whole is None else {p.phase for p in whole.phases if p.taken},
        set() if whole is None else set(disagreements(whole, results)),
    )


@dataclass
class Tally:
    """Counts over the patterns of one forward model."""

    patterns: int = 0
    put: int = 0
    present: int = 0
    right: int = 0
    right_with_rivals: int = 0
    found_with_rivals: int = 0
    called_absent: int = 0
    whole: int = 0
    whole_right: int = 0
    undisputed: int = 0
    undisputed_right: int = 0
    false: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    def add(self, o: Outcome) -> None:
        """Count one pattern."""
        self.patterns += 1
        self.put += len(o.put)
        self.present += len(o.present)
        self.right += len(o.put & o.present)
        self.right_with_rivals += sum(k in o.put or bool(o.live[k] & o.put) for k in o.present)
        named = set().union(*o.live.values()) if o.live else set()
        self.found_with_rivals += len(o.put & (o.present | named))
        self.called_absent += len(o.put & o.absent)
        self.whole += len(o.whole)
        self.whole_right += len(o.whole & o.put)
        quiet = o.present - o.disputed
        self.undisputed += len(quiet)
        self.undisputed_right += len(quiet & o.put)
        put = "+".join(sorted(o.put))
        self.false.update(f"{k} in {put}" for k in o.present - o.put)
        self.missed.update(o.put - o.present)

    def lines(self) -> list[str]:
        """The figures in words."""

        def share(part: int, whole: int) -> str:
            return f"{part / max(whole, 1):.3f} ({part} of {whole})"

        return [
            f"{self.patterns} patterns, {self.put} phases put in",
            (
                f"  without rivals: precision {share(self.right, self.present)}, "
                f"recall {share(self.right, self.put)}"
            ),
            (
                f"  with rivals:    precision {share(self.right_with_rivals, self.present)}, "
                f"recall {share(self.found_with_rivals, self.put)}"
            ),
            (
                f"  where the whole-pattern fit agrees: precision "
                f"{share(self.undisputed_right, self.undisputed)}"
            ),
            (
                f"  the whole-pattern fit alone: precision {share(self.whole_right, self.whole)}, "
                f"recall {share(self.whole_right, self.put)}"
            ),
            f"  called absent though put in: {share(self.called_absent, self.put)}",
            "  false: " + ("; ".join(sorted(self.false)) or "none"),
            "  missed: " + (", ".join(f"{k} {n}" for k, n in self.missed.most_common()) or "none"),
        ]


def main(number: int, seed: int, models: tuple[bool, ...] = (False, True)) -> None:
    """Print precision and recall for both forward models, half of the patterns each."""
    with tempfile.TemporaryDirectory() as folder:
        for other in models:
            rng = np.random.default_rng([seed, other])
            tally = Tally()
            for _ in range(number // 2):
                tally.add(judged(*simulated(rng, other), Path(folder)))
            print("another forward model" if other else "the fitter's forward model", flush=True)
            for text in tally.lines():
                print(text, flush=True)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 200,
        int(sys.argv[2]) if len(sys.argv) > 2 else 1,
        (sys.argv[3] == "other",) if len(sys.argv) > 3 else (False, True),
    )
