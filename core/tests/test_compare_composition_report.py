"""The report and the export show a verdict on many findings as one on two compositions."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

from consilience.study import Study


def test_a_composition_is_one_witness_in_the_report(tmp_path: Path) -> None:
    with Study.create(tmp_path / "study") as study:
        study.add_sample("needle")
        for technique, lithium in (("apt", 0.49), ("edx", 0.60)):
            for element, value in (("Li", lithium), ("Pt", 1 - lithium)):
                study.add_finding(
                    {
                        "kind": "composition",
                        "subject": {"element": element},
                        "value": value,
                        "unit": "1",
                        "std_stat": 0.004,
                        "std_sys": 0.01,
                        "method": "counted",
                    },
                    sample="needle",
                    citation="a paper",
                    modality=technique,
                )
        (verdict,) = study.compare()
        page = study.report(tmp_path / "report.html").read_text(encoding="utf-8")
        study.export(tmp_path / "out")
    assert verdict.verdict == "disagree"
    row = re.sub(r"<[^>]+>", " ", page[page.index(f'id="{verdict.id}"') :])[:1500]
    for technique in ("apt", "edx"):
        assert row.count(f"{technique}, needle: Li, Pt") == 1
    assert "49.00 ± 0.40" in row
    assert "χ² = " in row
    (exported,) = json.loads((tmp_path / "out" / "verdicts.json").read_text(encoding="utf-8"))
    assert set(exported["numbers"]["elements"]) == {"Li", "Pt"}
    with (tmp_path / "out" / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        (line,) = csv.DictReader(file)
    assert len(line["findings"].split("; ")) == 4
