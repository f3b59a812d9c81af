"""Ratio against roughness where spectra and tomograms of one sample share their states."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.model.finding import Finding
from consilience.view import Block, Cell, Table, Text

__all__ = ["across_blocks"]

SERIES = "compton.series"
BEAM = "region"
"""State variable that names the position of the beam: no state of the cell."""
ROUGH = {"areal_roughness", "roughness"}

Course = dict[tuple[tuple[str, str], ...], float]


def across_blocks(findings: Sequence[Finding]) -> list[Block]:
    """Return rank correlations of EMR and roughness over the states that a sample has both of.

    Entered tables that hold both are left to ``compton.series``.
    """
    from consilience.compare.courses.association import DESCRIBES, FEWEST, spearman

    rows: list[list[Cell]] = []
    loose = [f for f in findings if f.source.analysis != SERIES and f.value is not None]
    for sample in dict.fromkeys(f.sample for f in loose):
        mine = [f for f in loose if f.sample == sample]
        ratios = _courses([f for f in mine if f.kind == "momentum_ratio"])
        roughs = _courses([f for f in mine if f.kind in ROUGH])
        for ratio, first in ratios.items():
            for rough, second in roughs.items():
                both = [state for state in first if state in second]
                if len(both) < FEWEST:
                    continue
                found = spearman([first[s] for s in both], [second[s] for s in both])
                what = f"EMR{' of the ' + ratio if ratio else ''} and {rough or 'roughness'}"
                rows.append([sample, what, len(both), found.rho, found.p, found.least_p])
    if not rows:
        return []
    return [
        Table(
            ["sample", "what", "states", "Spearman ρ", "permutation p", "least possible p"],
            rows,
            title="Ratio by Compton scattering and roughness by tomography, state by state",
            note="states are the same where all their variables are, but the position of the beam",
        ),
        Text(f"{DESCRIBES[0].upper()}{DESCRIBES[1:]}.", "note"),
    ]


def _courses(findings: Sequence[Finding]) -> dict[str, Course]:
    """Values by state of each subject; a state that is said twice is left out."""
    found: dict[str, Course] = {}
    twice: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    for one in findings:
        label = one.subject.label if one.subject else ""
        # pixels and boxes are parts of a state, not states
        if one.region is not None or one.value is None or BEAM in one.state:
            continue
        state = tuple(sorted((key, str(value)) for key, value in one.state.items()))
        course = found.setdefault(label, {})
        if state in course:
            twice.add((label, state))
        course[state] = one.value
    for label, state in twice:
        found[label].pop(state, None)
    return found
