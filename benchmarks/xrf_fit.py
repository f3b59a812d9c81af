"""XRF spectra against PyMca: equality on a measured standard, and speed on a map.

Run: ``python benchmarks/xrf_fit.py [--spectra 7178]``.  The configuration that both programs are
given is written here (`CONFIGURATION`).  Equality needs the shared spectrum ``XRFSpectrum.mca``
(folder named by CONSILIENCE_DATA), speed a synthetic, seeded map.  Ratios are medians of
interleaved rounds; "copy" is one read and write of the map.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

CHANNELS = 3300
ROUNDS = 3
ZERO, GAIN, NOISE, FANO = -0.492773, 0.00502883, 0.0781703, 0.120159
PAIR = 3.85e-3
"""keV an electron-hole pair, as PyMca has it."""
INCIDENT = 17.5
FIRST, LAST = 290, 3400
COBALT = 5e-4
"""Mass fraction that is known of the standard."""
SNIP = 20
"""Channels of SNIP's widest window."""
PEAKS = {
    "Ar": "K", "Ca": "K", "Ti": "K", "V": "K", "Cr": "K", "Mn": "K", "Fe": "K", "Co": "K",
    "Ni": "K", "Cu": "K", "Zn": "K, L", "As": "K, L", "Se": "K, L", "Sr": "K, L", "Cd": "L",
    "Sb": "L", "Tl": "L, M", "Pb": "L, M",
}  # fmt: skip
"""Of the standard, as the tutorial of the file has them."""
MAPPED = {
    "Ar": "K", "Ca": "K", "Ti": "K", "Cr": "K", "Mn": "K", "Fe": "K", "Ni": "K", "Cu": "K",
    "Zn": "K", "Se": "K", "Sr": "K", "Pb": "L",
}  # fmt: skip
"""Of the synthetic map."""

CONFIGURATION = """
[attenuators]
atmosphere = 1, Air, 0.00120479, 0.14, 1.0
window = 1, Be1, 1.85, 0.0008, 1.0
Matrix = 1, Sample, 1.0, 0.01, 0.1, 90.0, 0, 90.1
Detector = 1, Si1, 2.33, 0.045, 1.0

[materials.Sample]
Comment = water with 500 ppm Co
Thickness = 0.01
Density = 0.1
CompoundFraction = 0.9995, 0.0005
CompoundList = H2O1, Co

[materials.Air]
Comment = air near sea level
Thickness = 1.0
Density = 0.0012048
CompoundFraction = 0.000124, 0.75527, 0.23178, 0.012827, 3.2e-06
CompoundList = C1, N1, O1, Ar1, Kr1

[peaks]
{peaks}

[fit]
xmin = {xmin}
xmax = {xmax}
energy = {incident}
energyweight = 1.0
energyflag = 1
energyscatter = 0
linearfitflag = 1
fitweight = 1
fitfunction = 0
hypermetflag = 1
continuum = 0
scatterflag = 0
escapeflag = 1
sumflag = 0
stripflag = {strip}
stripalgorithm = {algorithm}
stripwidth = 10
stripfilterwidth = 4
stripiterations = 6000
stripconstant = 1.0
stripanchorsflag = 0
snipwidth = {snip}
maxiter = 10
deltachi = 0.001
deltaonepeak = 0.01
use_limit = 1

[detector]
detele = Si
nthreshold = 4
zero = {zero}
gain = {gain}
noise = {noise}
fano = {fano}
sum = 0.0
fixedzero = 0
fixedgain = 0
fixednoise = 0
fixedfano = 0
fixedsum = 0
deltazero = 0.1
deltagain = 0.001
deltanoise = 0.05
deltafano = 0.114
deltasum = 1e-08

[concentrations]
usematrix = 1
useattenuators = 1
usemultilayersecondary = 0
mmolarflag = 0
reference = Co
flux = 190000.0
time = 600.0
area = 0.10
distance = 0.3
"""


def pymca_configuration(
    peaks: dict[str, str], first: int, last: int, *, strip: int, algorithm: int
) -> object:
    """PyMca's configuration of one fit."""
    from PyMca5.PyMcaIO import ConfigDict

    text = CONFIGURATION.format(
        peaks="\n".join(f"{element} = {shells}" for element, shells in peaks.items()),
        xmin=first,
        xmax=last,
        incident=INCIDENT,
        strip=strip,
        algorithm=algorithm,
        zero=ZERO,
        gain=GAIN,
        noise=NOISE,
        fano=FANO,
        snip=SNIP,
    )
    made = ConfigDict.ConfigDict()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fit.cfg"
        path.write_text(text, encoding="ascii")
        made.read(str(path))
    return made


def pymca_fit(counts: np.ndarray) -> tuple[dict, dict]:
    """Areas and errors of each group by PyMca, and mass fractions with cobalt as reference."""
    from PyMca5.PyMcaPhysics.xrf import ClassMcaTheory, ConcentrationsTool

    theory = ClassMcaTheory.ClassMcaTheory()
    configuration = theory.configure(pymca_configuration(PEAKS, FIRST, LAST, strip=1, algorithm=0))
    theory.setData(np.arange(counts.size, dtype=float), counts, xmin=FIRST, xmax=LAST)
    theory.estimate()
    _, result = theory.startFit(digest=1)
    tool = ConcentrationsTool.ConcentrationsTool()
    asked = tool.configure()
    asked.update(configuration["concentrations"])
    fractions = tool.processFitResult(
        config=asked,
        fitresult={"result": result},
        elementsfrommatrix=False,
        fluorates=theory._fluoRates,
    )
    return result, fractions["mass fraction"]


def our_setup():
    """Geometry and response as in `CONFIGURATION`."""
    from consilience_xrf.lines.geometry import Geometry, Layer
    from consilience_xrf.lines.response import PAIR as OURS
    from consilience_xrf.lines.response import Response

    path = (Layer("Air, Dry (near sea level)", 0.00120479, 0.14), Layer("Be", 1.85, 8e-4))
    return Geometry(INCIDENT, 90.1, path, Layer("Si", 2.33, 0.045)), Response(
        NOISE, FANO * PAIR / OURS["Si"]
    )


def our_sample():
    """Beam at grazing incidence, layers, matrix and its mass per area as in `CONFIGURATION`."""
    from consilience_xrf.amounts.attenuation import Angles, Layer, Material
    from consilience_xrf.amounts.density import Bench

    air = {"C": 0.000124, "N": 0.75527, "O": 0.23178, "Ar": 0.012827, "Kr": 3.2e-6}
    bench = Bench(
        INCIDENT,
        Angles(0.1, 90.0),
        before=(
            Layer(Material(air, 0.00120479), 1400.0, 0.0),
            Layer(Material.of("Be", 1.85), 8.0, 0.0),
        ),
        detector=Layer(Material.of("Si", 2.33), 450.0, 0.0),
    )
    return bench, Material({"H2O": 0.9995, "Co": COBALT}, 1.0, "water with 500 ppm Co"), 0.01


def equality(folder: Path) -> None:
    """Counts and mass fractions by both programs, on PyMca's background; counts on ours, too."""
    from consilience_xrf.amounts.fractions import mass_fractions
    from consilience_xrf.fitting.design import build_design
    from consilience_xrf.fitting.linear import Solver
    from consilience_xrf.fitting.maps import chosen_families, fit_maps

    counts = np.loadtxt(folder / "xrf" / "XRFSpectrum.mca", comments="#")
    result, fractions = pymca_fit(counts)
    geometry, response = our_setup()
    energy = ZERO + GAIN * np.arange(counts.size)
    used = slice(FIRST, LAST + 1)
    names = [name.replace(" ", "_") for name in result["groups"]]
    families, _ = chosen_families(names, energy[used], INCIDENT)
    under = np.asarray(result["continuum"], dtype=float)
    design = build_design(energy[used], families, response, geometry, scatter=False)
    solver = Solver(design.matrix, counts[used], under)
    ours = solver.fit(counts[used][None], under[None])
    whole = fit_maps(
        counts, energy, names, response=response, geometry=geometry,
        low=float(energy[FIRST]), high=float(energy[LAST]),
    )  # fmt: skip
    print("XRFSpectrum.mca: counts of PyMca and ours, ours on PyMca's background and on our own")
    print(f"  reduced chi-square: PyMca {result['chisq']:.3f}, ours {ours.chi2[0]:.3f}, "
          f"with our background {float(whole.chi2):.3f}")  # fmt: skip
    away = []
    counted = {
        name: (float(ours.free[0, i]), float(ours.std[0, i])) for i, name in enumerate(design.names)
    }
    masses = mass_fractions(counted, "Co_K", COBALT, *our_sample(), 0.0)
    for name in design.names:
        group = result[name.replace("_", " ")]
        area, error = group["fitarea"], group["sigmaarea"]
        net, std = counted[name]
        own = float(whole.free[whole.of(name)])
        mass = fractions.get(name.replace("_", " "), float("nan"))
        print(f"  {name:6s} {area:10.0f} ± {error:4.0f}  {net:10.0f} ± {std:4.0f}"
              f"  ratio {net / area:.4f}  own background {own / area:.4f}"
              f"  mass fraction {mass:.3e}, ours {masses[name].value:.3e}"
              f" ± {masses[name].std_stat:.0e} ± {masses[name].std_sys:.0e}")  # fmt: skip
        if name.endswith("_K") and name not in ("Ar_K", "As_K"):
            away.append(net / area - 1.0)
    print(f"  K lines without a partner: mean ratio − 1 = {np.mean(away):+.4f}, "
          f"largest {np.max(np.abs(away)):.4f}")  # fmt: skip


def the_map(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Energy axis and counts: twelve elements in changing amounts on a falling background."""
    from consilience_xrf.fitting.design import build_design
    from consilience_xrf.fitting.maps import chosen_families

    chance = np.random.default_rng(1)
    geometry, response = our_setup()
    energy = ZERO + GAIN * np.arange(CHANNELS + 200)
    wanted = [f"{e}_{s}" for e, shells in MAPPED.items() for s in shells.split(", ")]
    inside = slice(200, None)
    families, _ = chosen_families(wanted, energy[inside], INCIDENT)
    design = build_design(energy[inside], families, response, geometry, scatter=False)
    amounts = 2000.0 * chance.gamma(0.5, 1.0, (count, len(families)))
    amounts[chance.uniform(size=amounts.shape) < 0.2] = 0.0
    under = 2.0 * np.exp(-energy[inside] / 8.0) + 0.05
    made = np.empty((count, CHANNELS))
    for first in range(0, count, 512):
        rows = slice(first, first + 512)
        made[rows] = chance.poisson(amounts[rows] @ design.matrix.T + under)
    return energy[inside], made


def speed(count: int) -> None:
    """Seconds of both programs on one map."""
    from PyMca5.PyMcaPhysics.xrf import FastXRFLinearFit

    from consilience_xrf.fitting.maps import fit_maps

    energy, counts = the_map(count)
    geometry, response = our_setup()
    names = [f"{e}_{s}" for e, shells in MAPPED.items() for s in shells.split(", ")]
    channel = 200.0 + np.arange(CHANNELS)
    cube = counts.reshape(count, 1, CHANNELS)

    def pymca(strip: int, weight: int):
        fast = FastXRFLinearFit.FastXRFLinearFit()
        fast.setFitConfiguration(
            pymca_configuration(MAPPED, 200, 200 + CHANNELS, strip=strip, algorithm=1)
        )
        with contextlib.redirect_stdout(io.StringIO()):
            return fast.fitMultipleSpectra(
                x=channel, y=cube, weight=weight, refit=True, ysum=counts.sum(axis=0)
            )

    # PyMca's window of SNIP in widths of a line at the middle of the axis
    window = SNIP * GAIN / response.fwhm(float(energy[energy.size // 2]))

    def ours(background: str, *, chi2: bool):
        return fit_maps(
            cube, energy, names, response=response, geometry=geometry, scatter=False,
            background=background, window=window, chi2=chi2,
            low=float(energy[0]), high=float(energy[-1]) + 1.0,
        )  # fmt: skip

    work = {
        "copy": lambda: counts + 1.0,
        "PyMca": lambda: pymca(0, 1),
        "ours": lambda: ours("none", chi2=False),
        "ours with chi-square": lambda: ours("none", chi2=True),
        "PyMca, SNIP": lambda: pymca(1, 1),
        "ours, SNIP of each": lambda: ours("snip", chi2=False),
        "ours, columns": lambda: ours("columns", chi2=False),
        "ours, columns, chi-square": lambda: ours("columns", chi2=True),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for round_ in range(ROUNDS):
        for name, run in work.items():
            if name == "PyMca, SNIP" and round_ > 0:
                continue  # a minute each
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    spent = {name: float(np.median(t)) for name, t in times.items()}
    print(f"map of {count} x {CHANNELS}, {len(names)} families")
    for name, seconds in spent.items():
        print(f"  {name:26s} {seconds:8.3f} s  {seconds / spent['copy']:7.1f} copies")
    for peer, name, limit in (
        ("PyMca", "ours", 3.0),
        ("PyMca", "ours with chi-square", None),
        ("PyMca, SNIP", "ours, SNIP of each", 1.5),
        ("PyMca, SNIP", "ours, columns", 1.5),
    ):
        ratio = spent[peer] / spent[name]
        said = f"   to reach {limit:g}: {verdict(ratio >= limit)}" if limit else ""
        print(f"  {peer} / {name} {ratio:7.1f}{said}")


def verdict(good: bool) -> str:
    """In words."""
    return "reached" if good else "NOT reached"


def main() -> None:
    """Both halves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spectra", type=int, default=7178)
    told = parser.parse_args()
    warnings.simplefilter("ignore")
    shared = os.environ.get("CONSILIENCE_DATA")
    if shared:
        equality(Path(shared))
    else:
        print("CONSILIENCE_DATA is not set: no comparison on the measured standard")
    speed(told.spectra)


if __name__ == "__main__":
    main()
