"""The analysis apt.reconstruction: density of the needle, and what its lengths are good for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Rival, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_apt.findings.drafts_spectrum import WHOLE, number
from consilience_apt.findings.measured import Prepared, prepare
from consilience_apt.findings.probed import with_extent
from consilience_apt.findings.profile_run import too_few
from consilience_apt.params import ReconstructionParams, ScaleParams
from consilience_apt.space.grid import count_grid, extent
from consilience_apt.space.reconstruction import (
    DensityCheck,
    ReconstructionErrors,
    ScaleErrors,
    check_density,
    filled_volume,
    scale_errors,
)

__all__ = ["run_reconstruction", "stated_scale"]

IONS = 20.0
"""Ions of a voxel that tells inside from outside."""
NEEDLE = Subject(label="needle")


def run_reconstruction(
    measurements: Sequence[Measurement], params: ReconstructionParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return the density, its ratio to the expected one, and the errors of lengths in words."""
    prepared = prepare(measurements[0], params, context)
    notices = list(prepared.notices)
    if too_few(prepared, notices):
        return AnalysisOutput([], {}, notices)
    scale = stated_scale(params)
    check: DensityCheck | None = None
    drafts: list[FindingDraft] = []
    try:
        atoms, spread, dispersion = _atoms(prepared)
        volume, volume_std, voxel = _volume(prepared, params, context)
        check = check_density(
            atoms, volume, volume * math.hypot(volume_std / volume, spread / atoms),
            params.solid_density, params.solid_density_relative_std, params.efficiency,
            params.efficiency_relative_std, dispersion,
        )  # fmt: skip
        about = {
            "atoms": number(atoms),
            "atoms_std_sys": number(spread),
            "volume": number(volume),
            "volume_std": number(volume_std),
            "voxel": number(voxel),
        }
        drafts += _density_drafts(check, params, prepared, about)
        problem = ""
    except BadInputError as error:
        problem = error.what
        notices.append(Notice(code="no-density", message=error.what, fix=error.fix))
    said = [_density_words(check, params, problem), *scale_words(scale, params)]
    drafts.insert(
        0,
        FindingDraft(
            kind="reconstruction",
            subject=NEEDLE,
            region=WHOLE,
            evidence={
                "sentence": " ".join(said),
                "depth_relative_std": number(scale.depth),
                "lateral_relative_std": number(scale.lateral),
                "depth_relative_std_at_least": number(scale.depth_at_least or None),
                "lateral_relative_std_at_least": number(scale.lateral_at_least or None),
                "depth_lateral_correlation": number(scale.depth_lateral),
                "unknown": list(scale.unknown),
                "plausible": None if check is None else check.plausible,
            },
            assumptions=[
                *prepared.assumptions,
                (
                    "the protocol of Bas et al. (1995), errors of its parameters independent and "
                    "to first order"
                ),
                *([] if check is None else [check.note]),
            ],
            method="ranged atoms over the filled volume; errors of lengths by propagation",
        ),
    )
    drafts = with_extent(drafts, prepared.source, progress=context.progress)
    return AnalysisOutput(drafts, {}, notices)


def stated_scale(params: ScaleParams) -> ScaleErrors:
    """Return the errors of lengths that follow from the stated errors of the parameters."""
    return scale_errors(
        ReconstructionErrors(
            params.field_factor_std,
            params.image_compression_std,
            params.efficiency_relative_std,
            params.evaporation_field_std,
        )
    )


def _atoms(prepared: Prepared) -> tuple[float, float, float]:
    """Return ranged atoms, their systematic standard deviation, and the dispersion.

    The number that was detected lies between that without the background and that with all
    unranged ions; it is taken as uniformly distributed between the two.
    """
    table = prepared.table
    assert table is not None
    counts = prepared.counts
    worth = np.concatenate([[0.0], table.stoichiometry.sum(axis=1)])[table.species[1:]]
    atoms = float(counts @ worth)
    if not atoms > 0:
        raise BadInputError("no ranged atom", fix="compare the ranges with the spectrum")
    unranged = prepared.source.ions - float(counts[worth > 0].sum())
    lost = 0.0 if prepared.background is None else float(prepared.background.expected @ worth)
    low, high = atoms - max(lost, 0.0), atoms + max(unranged, 0.0)
    spread = math.sqrt((high - low) ** 2 / 12 + ((high + low) / 2 - atoms) ** 2)
    return atoms, spread, float(counts @ worth**2) / atoms


def _volume(
    prepared: Prepared, params: ReconstructionParams, context: AnalysisContext
) -> tuple[float, float, float]:
    """Return volume, its standard deviation and the voxel it was told in."""
    table = prepared.table
    assert table is not None
    low, high = extent(prepared.source, progress=context.progress)
    voxel = params.voxel
    if voxel is None:
        box = math.pi / 4 * float(np.prod(np.maximum(high - low, 0.1)))
        voxel = max(1.0, round((IONS * box / prepared.source.ions) ** (1 / 3), 1))
    grid = count_grid(
        prepared.source, table, [table.elements[0]], voxel=voxel, sigma=0.0,
        limits=(low.tolist(), high.tolist()), progress=context.progress,
    )  # fmt: skip
    volume, std = filled_volume(grid)
    if not volume > 0:
        raise BadInputError(f"no voxel of {voxel:g} nm is filled", fix="take larger voxels")
    return volume, std, voxel


def _density_drafts(
    check: DensityCheck,
    params: ReconstructionParams,
    prepared: Prepared,
    about: dict[str, float | None],
) -> list[FindingDraft]:
    said = [
        *prepared.assumptions,
        "atoms lie between the ranged ones without background and those with all unranged ions",
        "volume as reconstructed: voxels that are filled by half",
        check.note,
    ]
    made = [
        FindingDraft(
            kind="atomic_density",
            subject=NEEDLE,
            region=WHOLE,
            value=check.density,
            unit="1/nm^3",
            std_stat=check.std_stat,
            std_sys=check.std_sys,
            evidence={**about, "detected": True},
            assumptions=said,
            method="ranged atoms over the filled volume",
        )
    ]
    if check.ratio is None or check.expected is None:
        return made
    relative_stat = check.std_stat / check.density
    sys = None
    if check.ratio_std is not None:
        sys = math.sqrt(max(check.ratio_std**2 - (check.ratio * relative_stat) ** 2, 0.0))
    made.append(
        FindingDraft(
            kind="density_ratio",
            subject=NEEDLE,
            region=WHOLE,
            value=check.ratio,
            unit="1",
            std_stat=check.ratio * relative_stat,
            std_sys=sys,
            rivals=[
                Rival(
                    subject=Subject(label=label),
                    explains=["a ratio other than 1"],
                    decided_by=[decided],
                )
                for label, decided in (
                    ("another phase, or pores", "composition and diffraction"),
                    ("another volume than reconstructed", "the needle's shape in a microscope"),
                )
            ],
            evidence={
                **about,
                "expected": number(check.expected),
                "expected_std": number(check.expected_std),
                "implied_efficiency": number(check.implied_efficiency),
                "plausible": check.plausible,
                "solid_density": number(params.solid_density),
                "efficiency": number(params.efficiency),
            },
            assumptions=said,
            method="detected density over detection efficiency times density of the solid",
        )
    )  # fmt: skip
    return made


def _density_words(check: DensityCheck | None, params: ReconstructionParams, problem: str) -> str:
    if check is None:
        return f"The density is unknown: {problem}."
    error = math.hypot(check.std_stat, check.std_sys or 0.0)
    text = f"{check.density:.3g} ± {error:.2g} detected atoms/nm³"
    if check.ratio is None or check.expected is None:
        absent = [
            name
            for name, value in (
                ("the density of the solid", params.solid_density),
                ("the detection efficiency", params.efficiency),
            )
            if value is None
        ]
        text += f"; what to expect is unknown, because {' and '.join(absent)} "
        text += f"{'is' if len(absent) == 1 else 'are'} not stated"
        if check.plausible is False:
            text += "; more atoms than the solid holds: the reconstruction is too small"
        return f"{text}."
    text += f" where {check.expected:.3g} are expected (ratio {check.ratio:.3g}"
    text += ", error unknown" if check.ratio_std is None else f" ± {check.ratio_std:.2g}"
    verdict = {
        True: "in agreement within three standard deviations",
        False: "in contradiction",
        None: "whether they agree is unknown, as not all errors are stated",
    }[check.plausible]
    return f"{text}): {verdict}."


def scale_words(scale: ScaleErrors, params: ReconstructionParams) -> list[str]:
    """Return in words what lengths are good for, and what is not known of that."""
    given = [
        f"{name} {value:g}"
        for name, value in (("k_f", params.field_factor), ("ξ", params.image_compression))
        if value is not None
    ]
    held = f" ({', '.join(given)})" if given else ""
    words = []
    for name, value, least in (
        ("depths", scale.depth, scale.depth_at_least),
        ("widths", scale.lateral, scale.lateral_at_least),
    ):
        if value is not None:
            words.append(f"{name} are good to {100 * value:.2g} %")
        elif least > 0:
            words.append(f"the error of {name} is unknown, {100 * least:.2g} % at least")
        else:
            words.append(f"the error of {name} is unknown")
    made = [f"Scale as reconstructed{held}: {'; '.join(words)}."]
    if scale.unknown:
        names = ", ".join(one.replace("_", " ") for one in scale.unknown)
        made.append(f"No error is stated for: {names}.")
    return made
