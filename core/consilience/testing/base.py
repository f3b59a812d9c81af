"""What the contract's tests share: the plugin, its samples, its measurements."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from consilience.analysis import AnalysisContext, AnalysisOutput, ReferenceFile
from consilience.declarations import Analysis, Declaration, Simulator
from consilience.model.measurement import Measurement, Signal
from consilience.model.sample import Sample
from consilience.probing import choose_reader
from consilience.registry import LoadedPlugin, Registry
from consilience.testing import reading, target
from consilience.testing.samples import SampleFile

__all__ = ["ContractBase", "require"]

D = TypeVar("D", bound=Declaration)

ANSWERS: dict[tuple[object, ...], AnalysisOutput | Any] = {}
"""What analyses said, by class of tests, key, parameters and content of the measurements."""


def require(faults: Iterable[str]) -> None:
    """Fail with all faults at once."""
    listed = list(faults)
    if listed:
        pytest.fail("\n".join(listed), pytrace=False)


class ContractBase:
    """What the tests of the contract share, and what a plugin overrides."""

    plugin: ClassVar[str] = ""
    module: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()
    claims: ClassVar[tuple[str, ...]] = ()
    seed: ClassVar[int] = 20240507

    # -- what a plugin overrides ---------------------------------------------

    def sample_files(self, tmp_path: Path) -> list[SampleFile]:
        """Write small simulated files, at least one for each reader; by default simulators do."""
        registry = self.registry()
        samples = []
        for simulator in self.declared(Simulator):
            folder = tmp_path / simulator.key
            folder.mkdir()
            params = simulator.params.load()()
            samples += [
                SampleFile(path, choose_reader(registry, path).key)
                for path in simulator.run.load()(params, self.seed, folder)
            ]
        return samples

    def analysis_params(self, key: str) -> Mapping[str, object]:  # noqa: ARG002 - for overriders
        """Return parameters for an analysis where its defaults say nothing of the samples."""
        return {}

    def references(self, tmp_path: Path) -> Sequence[ReferenceFile]:  # noqa: ARG002
        """Return reference files for the analyses."""
        return ()

    # -- what the tests use ---------------------------------------------------

    def targets(self) -> list[target.Target]:
        """Return the plugins to load: those it needs, then itself."""
        assert self.plugin, "name the plugin: plugin = 'xrf'"
        return [
            *(target.find_target(name) for name in self.needs),
            target.find_target(self.plugin, self.module),
        ]

    def registry(self) -> Registry:
        """Return a fresh registry with the core, this plugin, and what it needs."""
        return target.load(self.targets())

    def loaded(self) -> LoadedPlugin:
        """Return the plugin under test."""
        registry = self.registry()
        if self.plugin not in registry.plugins:
            require(f"{f.name}: {f.reason}; fix: {f.fix}\n{f.trace}" for f in registry.failed)
        return registry.plugins[self.plugin]

    def declared(self, kind: type[D]) -> list[D]:
        """Return the plugin's declarations of one type."""
        return [item for item in self.loaded().declarations if isinstance(item, kind)]

    def _read(self, registry: Registry, sample: SampleFile) -> list[Signal]:
        signals = reading.read_sample(registry, sample)
        assert isinstance(signals, list), f"{sample.reader} returned {type(signals).__name__}"
        return signals

    def _measurements(self, registry: Registry, tmp_path: Path) -> list[Measurement]:
        return [
            reading.measurement_of(registry, sample, signal)
            for sample in self.sample_files(tmp_path)
            for signal in self._read(registry, sample)
        ]

    def _groups(
        self,
        measurements: Sequence[Measurement],
        modality: str,
        requires: Sequence[str],
        scope: str,
    ) -> list[list[Measurement]]:
        fitting = [m for m in measurements if m.modality == modality and m.has(*requires)]
        return [fitting] if scope != "measurement" and fitting else [[m] for m in fitting]

    def _answer(
        self, analysis: Analysis, group: list[Measurement], tmp_path: Path
    ) -> AnalysisOutput | Any:
        """What an analysis says of a group, run once for all tests that ask for it."""
        about = [(m.record.model_dump_json(), reading.dataset_digest(m.data)) for m in group]
        key = (type(self), analysis.key, repr(self.analysis_params(analysis.key)), *about)
        if key not in ANSWERS:
            ANSWERS[key] = self._run(analysis, group, tmp_path)
        return copy.deepcopy(ANSWERS[key])

    def _run(
        self, analysis: Analysis, group: list[Measurement], tmp_path: Path
    ) -> AnalysisOutput | Any:
        cache = tmp_path / "cache"
        cache.mkdir(exist_ok=True)
        context = AnalysisContext(Sample(id="sample"), cache, self.references(tmp_path))
        params = analysis.params.load().model_validate(dict(self.analysis_params(analysis.key)))
        return analysis.run.load()(group, params, context)
