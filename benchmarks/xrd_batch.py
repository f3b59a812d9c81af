"""Baselines and peak fits of a map against their peers; ratios with numba and without.

Run: ``python benchmarks/xrd_batch.py [--patterns 3478]``.  Each half runs in a process of its own,
the second with the import of numba blocked for us and for the peers.  Input is synthetic and
seeded.  Slow peers do a share of the map and are scaled up, which is said.  Times drift from run to
run, ratios hardly; each is the median of interleaved rounds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import warnings

import numpy as np

POINTS = 1000
ITERATIONS = 10
LAM, P = 1e5, 0.01
WINDOW = 100
ROUNDS = 3


def patterns(count: int) -> np.ndarray:
    """Counts of a sloping background with a halo and twelve lines of changing height."""
    chance = np.random.default_rng(1)
    x = np.linspace(0, 1, POINTS)
    made = (300 * np.exp(-2 * x) + 40) * chance.uniform(0.5, 2, (count, 1))
    for place in chance.uniform(0.05, 0.95, 12):
        made += chance.uniform(0, 400, (count, 1)) * np.exp(-0.5 * ((x - place) / 0.004) ** 2)
    return chance.poisson(made).astype(float)


def recipe(y: np.ndarray) -> np.ndarray:
    """The usual sparse-solve recipe of asymmetric least squares."""
    from scipy import sparse
    from scipy.sparse.linalg import spsolve

    size = len(y)
    second = sparse.diags([1.0, -2.0, 1.0], [0, -1, -2], shape=(size, size - 2))
    penalty = LAM * second @ second.T
    weights, z = np.ones(size), y
    for _ in range(ITERATIONS):
        matrix = sparse.csc_matrix(sparse.diags(weights) + penalty)
        z = spsolve(matrix, weights * y)
        weights = P * (y > z) + (1 - P) * (y <= z)
    return np.asarray(z)


def timed(work) -> tuple[float, object]:
    """Seconds and result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def median_times(work: dict) -> tuple[dict, dict]:
    """Median seconds of interleaved rounds, and the last results."""
    times: dict = {name: [] for name in work}
    results: dict = {}
    for _ in range(ROUNDS):
        for name, (run, share) in work.items():
            spent, results[name] = timed(run)
            times[name].append(spent / share)
    return {name: float(np.median(t)) for name, t in times.items()}, results


def baselines(count: int, numba: bool) -> None:
    """Asymmetric least squares, `ITERATIONS` solves of each pattern."""
    from pybaselines import Baseline

    from consilience_xrd.lines.batch_baseline import fit_baselines

    y = patterns(count)
    peer = Baseline()
    some, few = max(count // 10, 1), max(count // 200, 1)

    def one(pattern: np.ndarray) -> np.ndarray:
        return peer.asls(pattern, lam=LAM, p=P, max_iter=ITERATIONS - 1, tol=-1.0)[0]

    def ours() -> np.ndarray:
        how = "yes" if numba else "no"
        return fit_baselines(y, "asls", LAM, P, ITERATIONS, accelerate=how).values

    ours()  # compile
    one(y[0])
    times, got = median_times(
        {
            "ours": (ours, 1.0),
            "pybaselines": (lambda: np.array([one(p) for p in y[:some]]), some / count),
            "spsolve": (lambda: np.array([recipe(p) for p in y[:few]]), few / count),
        }
    )
    worst = float(np.max(np.abs(got["ours"][:few] / got["spsolve"] - 1)))
    ratio = times["pybaselines"] / times["ours"]
    limit = 5.0 if numba else 1.0
    print(f"  asls {count} x {POINTS}, {ITERATIONS} solves: {times['ours']:.3f} s")
    print(
        f"    pybaselines / ours     {ratio:7.1f}   to reach {limit:g}: {verdict(ratio >= limit)}"
    )
    print(f"    spsolve recipe / ours  {times['spsolve'] / times['ours']:7.1f}")
    print(f"    largest relative difference to the recipe {worst:.1e}   to reach 1e-08: "
          f"{verdict(worst <= 1e-8)}")  # fmt: skip
    print(f"    (pybaselines on {some}, recipe on {few} patterns, scaled up)")


def fits(count: int) -> None:
    """One pseudo-Voigt and a line in each of `count` windows, weights given."""
    import lmfit
    from scipy.optimize import least_squares

    from consilience_xrd.lines.batch_fit import fit_windows
    from consilience_xrd.lines.profiles import pseudo_voigt, pseudo_voigt_jacobian

    chance = np.random.default_rng(2)
    x = np.linspace(2.65, 2.90, WINDOW)
    t = (x - x.mean()) / (x[-1] - x[0]) * 2
    truth = np.stack(
        [chance.uniform(20, 200, count), 2.774 + chance.normal(0, 0.004, count),
         chance.uniform(0.018, 0.03, count), chance.uniform(0.2, 0.8, count)], axis=1,
    )  # fmt: skip
    y = chance.poisson(
        np.array([a * pseudo_voigt(x, c, w, e) + 200 + 20 * t for a, c, w, e in truth])
    ).astype(float)
    sigma = np.sqrt(np.maximum(y, 1))
    start = np.array([100.0, 2.774, 0.025, 0.5, 200.0, 0.0])
    low = np.array([0.0, 2.75, 0.002, 0.0, -np.inf, -np.inf])
    high = np.array([np.inf, 2.80, 0.1, 1.0, np.inf, np.inf])
    scale = np.array([100, 0.02, 0.02, 0.3, 100, 100.0])

    def scipy_one(i: int):
        def residual(v: np.ndarray) -> np.ndarray:
            return (v[0] * pseudo_voigt(x, v[1], v[2], v[3]) + v[4] + v[5] * t - y[i]) / sigma[i]

        def jacobian(v: np.ndarray) -> np.ndarray:
            value, by_c, by_w, by_e, _ = pseudo_voigt_jacobian(x, v[1], v[2], v[3])
            rows = [value, v[0] * by_c, v[0] * by_w, v[0] * by_e, np.ones_like(x), t]
            return np.stack(rows, axis=1) / sigma[i][:, None]

        return least_squares(residual, start, jac=jacobian, bounds=(low, high), x_scale=scale)

    def profile(x, area, center, fwhm, eta, level, slope):
        return area * pseudo_voigt(x, center, fwhm, eta) + level + slope * t

    model = lmfit.Model(profile)
    names = ("area", "center", "fwhm", "eta", "level", "slope")

    def lmfit_one(i: int):
        made = model.make_params(**dict(zip(names, start, strict=True)))
        for name, a, b in zip(names, low, high, strict=True):
            made[name].set(min=a, max=b)
        return model.fit(y[i], made, x=x, weights=1 / sigma[i], scale_covar=False)

    some, few = max(count // 20, 1), max(count // 60, 1)
    times, got = median_times(
        {
            "ours": (lambda: fit_windows(x, y, start, low, high, sigma=sigma), 1.0),
            "scipy": (lambda: [scipy_one(i) for i in range(some)], some / count),
            "lmfit": (lambda: [lmfit_one(i) for i in range(few)], few / count),
        }
    )
    ours = got["ours"]
    inside = ~ours.at_bound.any(axis=1)
    chi2 = [abs(ours.chi2[i] / (2 * got["scipy"][i].cost) - 1) for i in range(some) if inside[i]]
    errors = []
    for i in np.flatnonzero(inside[:some]):
        jac = got["scipy"][i].jac
        expected = np.sqrt(np.diag(np.linalg.inv(jac.T @ jac)))
        errors.append(np.max(np.abs(ours.std[i] / expected - 1)))
    by_lmfit = [
        abs(ours.std[i, k] / got["lmfit"][i].params[name].stderr - 1)
        for i in np.flatnonzero(inside[:few])
        for k, name in enumerate(names)
        if got["lmfit"][i].params[name].stderr
    ]
    print(f"  {count} pseudo-Voigts on lines, {WINDOW} points each: {times['ours']:.3f} s")
    for name, limit in (("scipy", 5.0), ("lmfit", 30.0)):
        ratio = times[name] / times["ours"]
        what = "least_squares with Jacobian" if name == "scipy" else "lmfit"
        print(f"    {what} / ours {ratio:7.1f}   to reach {limit:g}: {verdict(ratio >= limit)}")
    print(f"    chi-square to scipy's, largest relative difference {max(chi2):.1e}   to reach "
          f"1e-08: {verdict(max(chi2) <= 1e-8)}")  # fmt: skip
    print(f"    standard deviations to scipy's {max(errors):.1e}, to lmfit's, whose Jacobian is "
          f"numeric, {max(by_lmfit):.1e} (median {np.median(by_lmfit):.1e})")  # fmt: skip
    print(f"    (scipy on {some}, lmfit on {few} windows, scaled up)")


def verdict(good: bool) -> str:
    """In words."""
    return "reached" if good else "NOT reached"


def main() -> None:
    """Run both halves, each in a fresh process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patterns", type=int, default=3478)
    parser.add_argument("--half", choices=["with", "without"])
    told = parser.parse_args()
    if told.half is None:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        for half in ("with", "without"):
            command = [sys.executable, __file__, "--patterns", str(told.patterns), "--half", half]
            subprocess.run(command, check=True, env=environment)
        return
    warnings.simplefilter("ignore")
    numba = told.half == "with"
    if not numba:
        sys.modules["numba"] = None  # type: ignore[assignment]
    print(f"{told.half} numba:")
    baselines(told.patterns, numba)
    fits(told.patterns)


if __name__ == "__main__":
    main()
