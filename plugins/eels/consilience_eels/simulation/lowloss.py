"""The smallest simulator of a spectrum: enough to try the reader and the report."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LowLossParams", "simulate_lowloss"]


class LowLossParams(BaseModel):
    """Parameters of `simulate_lowloss`; energies in eV.

    The n-th plasmon loss is a Gaussian at n × `plasmon`, with the share
    ``exp(−t) tⁿ / n!`` of all electrons for t = `t_over_lambda` (Poisson's law).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: Annotated[int, Field(ge=16, le=65536)] = 512
    offset: Annotated[float, Field(ge=-1000.0, le=0.0)] = -20.0
    step: Annotated[float, Field(gt=0.0, le=10.0)] = 0.25
    electrons: Annotated[float, Field(gt=0.0, le=1e12)] = 2e5
    t_over_lambda: Annotated[float, Field(ge=0.0, le=5.0)] = 0.5
    plasmon: Annotated[float, Field(gt=0.0, le=100.0)] = 16.7
    plasmon_width: Annotated[float, Field(gt=0.0, le=50.0)] = 2.0
    resolution: Annotated[float, Field(gt=0.0, le=10.0)] = 0.5
    beam_energy: Annotated[float, Field(gt=0.0, le=1000.0)] = 200.0


def simulate_lowloss(params: LowLossParams, seed: int, folder: Path) -> list[Path]:
    """Write ``simulated.msa``: zero loss and four plasmon losses with Poisson noise.

    The header's comment says ``origin: simulated``.
    """
    import numpy as np

    energy = params.offset + params.step * np.arange(params.points)
    expected = np.zeros(params.points)
    for n in range(5):
        share = math.exp(-params.t_over_lambda) * params.t_over_lambda**n / math.factorial(n)
        sigma = math.sqrt(params.resolution**2 + n * params.plasmon_width**2)
        shape = np.exp(-((energy - n * params.plasmon) ** 2) / (2 * sigma**2))
        expected += (
            params.electrons * share * shape * params.step / (sigma * math.sqrt(2 * math.pi))
        )
    counts = np.random.default_rng(seed).poisson(expected)
    head = {
        "FORMAT": "EMSA/MAS Spectral Data File",
        "VERSION": "1.0",
        "TITLE": "simulated low loss",
        "COMMENT": f"origin: simulated, seed {seed}",
        "NPOINTS": f"{params.points}.",
        "NCOLUMNS": "1.",
        "XUNITS": "eV",
        "YUNITS": "Counts",
        "DATATYPE": "Y",
        "XPERCHAN": repr(params.step),
        "OFFSET": repr(params.offset),
        "SIGNALTYPE": "ELS",
        "BEAMKV": repr(params.beam_energy),
        "SPECTRUM": "Spectral Data Starts Here",
    }
    lines = [f"#{key:<12}: {value}" for key, value in head.items()]
    path = folder / "simulated.msa"
    body = [*lines, *(f"{c}" for c in counts.tolist()), "#ENDOFDATA  : "]
    path.write_text("\n".join(body) + "\n", encoding="ascii")
    return [path]
