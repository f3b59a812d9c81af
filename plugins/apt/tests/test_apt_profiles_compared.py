"""What a profile finding of a needle names is there, and is read as a profile along its axis."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from apt_measurements import context, needle

from consilience.builtin import register_kinds
from consilience.compare.context import ComparisonContext
from consilience.model import Finding, Sample, Source
from consilience_apt.findings.profile_run import run_profile
from consilience_apt.findings.profiles_compared import KEY, compare
from consilience_apt.params import ProfileParams
from consilience_apt.plugin import register_comparisons
from consilience_apt.plugin import register_kinds as own_kinds
from consilience_apt.simulation import Layer, NeedleParams

LAYERS = NeedleParams(
    ions=8_000,
    radius=10.0,
    layers=tuple(
        Layer(name=f"layer {i}", thickness=10.0, top={"Ni+": share, "Cu+": 1.0 - share})
        for i, share in enumerate((0.9, 0.4, 0.8))
    ),
    files=("epos", "rrng"),
)


def test_two_profiles_of_one_needle_go_together(tmp_path: Path) -> None:
    """Two recordings of one needle, as if another technique had seen it ion by ion, too."""
    findings: list[Finding] = []
    arrays = {}
    for seed, technique in ((3, "apt"), (4, "other")):
        made = run_profile(
            [needle(tmp_path / technique, LAYERS, seed)],
            ProfileParams(most_changes=1),
            context(tmp_path),
        )
        drafts = [d for d in made.findings if d.kind == "composition_profile"]
        assert {d.subject.element for d in drafts if d.subject} == {"Ni", "Cu"}
        for draft in drafts:
            assert draft.array is not None
            assert draft.evidence["variable"] in made.arrays[draft.array]
            assert draft.evidence["variable_std"] in made.arrays[draft.array]
        (draft,) = (d for d in drafts if d.subject is not None and d.subject.element == "Ni")
        key = f"{technique}-{draft.array}"
        arrays[key] = made.arrays[str(draft.array)]
        said = draft.model_dump(mode="json") | {"array": key, "sample": "needle", "state": {}}
        said |= {"origin": "simulated", "measurements": [technique]}
        said |= {"source": Source(plugin=technique, version="0", analysis="apt.profile").to_json()}
        findings.append(
            Finding.identified({k: said.get(k) for k in Finding.model_fields if k != "id"})
        )
    asked = ComparisonContext(
        samples={"needle": Sample(id="needle")},
        kinds={k.name: k for k in (*register_kinds(), *own_kinds())},
        modalities={f.id: f.source.plugin for f in findings},
        open_array=arrays.__getitem__,
    )
    (mine,) = register_comparisons()
    assert mine.run.load() is compare
    verdict = compare(findings[0], findings[1], asked)
    assert verdict is not None
    assert verdict.verdict == "consistent", verdict.reason
    assert verdict.comparison == mine.key == KEY
    assert verdict.numbers["correlation"] > 0.8
    assert np.isfinite(verdict.numbers["without_noise"])
