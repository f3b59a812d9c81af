"""The contract, part three: checks, analyses, views, exporters and simulators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import xarray as xr

from consilience.analysis import AnalysisOutput
from consilience.compare import ComparisonContext
from consilience.declarations import (
    Analysis,
    Check,
    Comparison,
    Exporter,
    Kind,
    Reader,
    Simulator,
    View,
)
from consilience.errors import ConsilienceError
from consilience.model.finding import Finding, Source
from consilience.model.measurement import Measurement, Notice
from consilience.model.sample import Sample
from consilience.model.verdict import Verdict
from consilience.probing import choose_reader
from consilience.registry import Registry
from consilience.testing import judging, reading
from consilience.testing.base import ContractBase, require
from consilience.testing.samples import SampleFile
from consilience.view import ViewContext

__all__ = ["ResultContract"]


class ResultContract(ContractBase):
    """What the host relies on when it works with what was read."""

    def test_checks_return_notices_and_leave_data_alone(self, tmp_path: Path) -> None:
        """A check looks, and says what it saw."""
        registry = self.registry()
        faults = []
        for sample in self.sample_files(tmp_path):
            reader = registry.get(Reader, sample.reader)
            for signal in self._read(registry, sample):
                before = reading.signal_digest(reader, signal, sample)
                for check in self.declared(Check):
                    if check.modality != signal.modality:
                        continue
                    notices = check.run.load()(signal)
                    if not isinstance(notices, list) or not all(
                        isinstance(n, Notice) for n in notices
                    ):
                        faults.append(f"{check.key} returned {notices!r}, expected list of Notice")
                    if reading.signal_digest(reader, signal, sample) != before:
                        faults.append(f"{check.key} changes the signal it looks at")
        require(faults)

    def test_analyses_return_sound_findings(self, tmp_path: Path) -> None:
        """Registered kinds with their unit, known or None, and arrays that exist."""
        registry = self.registry()
        measurements = self._measurements(registry, tmp_path)
        for analysis in self.declared(Analysis):
            groups = self._groups(
                measurements, analysis.modality, analysis.requires, analysis.scope
            )
            said = 0
            for group in groups:
                output = self._answer(analysis, group, tmp_path)
                require(judging.output_faults(analysis, output, registry))
                said += len(output.findings)
            if not said:
                silent = f"{analysis.key} finds nothing in {len(groups)} sample(s); "
                require([silent + "override sample_files(), references() or analysis_params()"])

    def test_analyses_repeat_and_leave_their_input_alone(self, tmp_path: Path) -> None:
        """Same input, same output; the measurement's data are not changed."""
        registry = self.registry()
        measurements = self._measurements(registry, tmp_path)
        faults = []
        for analysis in self.declared(Analysis):
            for group in self._groups(
                measurements, analysis.modality, analysis.requires, analysis.scope
            ):
                before = [reading.dataset_digest(m.data) for m in group]
                first = self._answer(analysis, group, tmp_path)
                second = self._run(analysis, group, tmp_path)
                if [reading.dataset_digest(m.data) for m in group] != before:
                    faults.append(f"{analysis.key} changes the data it was given")
                if _said(first) != _said(second):
                    faults.append(f"{analysis.key} gives another answer each time")
        require(faults)

    def test_views_return_blocks_that_draw(self, tmp_path: Path) -> None:
        """Figure, Table or Text; figures draw, rows match headings."""
        registry = self.registry()
        measurements = self._measurements(registry, tmp_path)
        findings, arrays = self._findings(measurements, tmp_path)
        context = ViewContext(arrays.__getitem__, {"sample": Sample(id="sample")})
        for view in self.declared(View):
            groups = (
                self._groups(measurements, view.modality, (), view.scope)
                if view.modality is not None
                else [measurements]
            )
            if not groups:
                require([f"{view.key}: no sample file of modality {view.modality!r}"])
            for group in groups:
                ids = {m.id for m in group}
                about = [f for f in findings if ids & set(f.measurements)]
                require(judging.block_faults(view, view.build.load()(group, about, context)))

    def test_comparisons_answer_with_a_verdict_or_none(self, tmp_path: Path) -> None:
        """Each pair of the plugin's own findings, once as one technique and once as two."""
        if not self.declared(Comparison):
            return
        measurements = self._measurements(self.registry(), tmp_path)
        findings, _ = self._findings(measurements, tmp_path)
        kinds = {k.name: k for k in self.registry().all(Kind)}
        faults = []
        for comparison in self.declared(Comparison):
            for one, other in product(findings, findings):
                if (one.kind, other.kind) not in comparison.kinds:
                    continue
                twin = other.model_copy(update={"id": f"{other.id}-again"})
                for second in ("one", "another"):
                    context = ComparisonContext(
                        samples={"sample": Sample(id="sample")},
                        kinds=kinds,
                        modalities={one.id: "one", twin.id: second},
                    )
                    said = comparison.run.load()(one, twin, context)
                    if said is None:
                        continue
                    if not isinstance(said, Verdict):
                        faults.append(f"{comparison.key} returned {said!r}, expected a Verdict")
                    elif said.comparison != comparison.key:
                        faults.append(f"{comparison.key}: its verdict names {said.comparison!r}")
        require(dict.fromkeys(faults))

    def _findings(
        self, measurements: Sequence[Measurement], tmp_path: Path
    ) -> tuple[list[Finding], dict[str, xr.Dataset]]:
        findings: list[Finding] = []
        arrays: dict[str, xr.Dataset] = {}
        for analysis in self.declared(Analysis):
            for i, group in enumerate(
                self._groups(measurements, analysis.modality, analysis.requires, analysis.scope)
            ):
                output = self._answer(analysis, group, tmp_path)
                names = {n: f"{analysis.key}-{i}-{n}" for n in output.arrays}
                arrays |= {names[n]: data for n, data in output.arrays.items()}
                source = Source(
                    plugin=self.plugin, version=self.loaded().info.version, analysis=analysis.key
                )
                for draft in output.findings:
                    body = {
                        **draft.to_json(),
                        "sample": "sample",
                        "state": draft.state or {},
                        "array": names.get(draft.array or ""),
                        "origin": group[0].record.origin,
                        "measurements": draft.measurements or [m.id for m in group],
                        "source": source.to_json(),
                    }
                    if draft.covariance is not None:
                        body["covariance"] = {
                            "array": names[draft.covariance.array],
                            "index": draft.covariance.index,
                        }
                    findings.append(Finding.identified(body))
        return findings, arrays

    def test_exporters_write_the_file_they_are_asked_for(self, tmp_path: Path) -> None:
        """One file, where it was asked for, not empty."""
        measurements = self._measurements(self.registry(), tmp_path)
        faults = []
        for exporter in self.declared(Exporter):
            if exporter.analysis:
                continue  # needs the results of that analysis, which the plugin's own tests have
            for i, one in enumerate(m for m in measurements if m.modality == exporter.modality):
                folder = tmp_path / f"{exporter.key}-{i}"
                folder.mkdir()
                path = folder / f"out{exporter.suffix}"
                exporter.run.load()(one, path)
                if [p.name for p in folder.iterdir()] != [path.name] or not path.stat().st_size:
                    faults.append(f"{exporter.key} did not write {path.name} alone")
        require(faults)

    # -- simulators ----------------------------------------------------------

    def test_simulators_say_so_and_repeat(self, tmp_path: Path) -> None:
        """Simulated files are read as simulated; one seed, one file."""
        registry = self.registry()
        faults = []
        for simulator in self.declared(Simulator):
            params = simulator.params.load()()
            written = []
            for i, seed in enumerate((7, 7, 8)):
                folder = tmp_path / f"{simulator.key}-{i}"
                folder.mkdir()
                paths = simulator.run.load()(params, seed, folder)
                outside = [p for p in paths if folder not in p.parents or not p.is_file()]
                faults += [f"{simulator.key}: {p.name} is not in the folder given" for p in outside]
                written.append({p.name: p.read_bytes() for p in paths if p not in outside})
                if i == 0:
                    faults += self._simulated_faults(registry, simulator, paths)
            if written[0] != written[1]:
                faults.append(f"{simulator.key}: the same seed gives other bytes")
            if written[0] == written[2]:
                faults.append(f"{simulator.key}: another seed gives the same bytes")
        require(faults)

    def _simulated_faults(
        self, registry: Registry, simulator: Simulator, paths: Sequence[Path]
    ) -> Iterator[str]:
        read = 0
        for path in paths:
            try:
                reader = choose_reader(registry, path)
            except ConsilienceError as error:
                if len(paths) == 1:
                    yield f"{simulator.key}: {error.what}"
                continue  # a companion
            read += 1
            for signal in self._read(registry, SampleFile(path, reader.key)):
                if signal.origin != "simulated":
                    yield f"{simulator.key}: {path.name} is read with origin {signal.origin!r}"
        if not read:
            yield f"{simulator.key}: none of its files is read by the plugin's own readers"


def _said(output: AnalysisOutput) -> object:
    return (
        [d.to_json() for d in output.findings],
        {name: reading.dataset_digest(data) for name, data in output.arrays.items()},
        [n.to_json() for n in output.notices],
    )
