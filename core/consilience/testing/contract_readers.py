"""The contract, part two: probes and readers, on sound and on damaged files."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from consilience.declarations import Claim, Reader
from consilience.errors import BadInputError, ConsilienceError
from consilience.probing import choose_reader
from consilience.testing import reading, target
from consilience.testing.base import ContractBase, require
from consilience.testing.samples import FOREIGN, SampleFile, foreign_probe, mutants

__all__ = ["ReaderContract"]

NONSENSE: tuple[object, ...] = ("[/banana]", "", "-1e400", "nan", [], None)
"""No option has one of these as a value that means something, unless it is text."""


class ReaderContract(ContractBase):
    """What the host relies on when it hands a file to a reader."""

    def test_probes_refuse_what_is_not_theirs(self) -> None:
        """NO to an empty head, to random bytes, and to the heads of other formats."""
        heads = {"empty": b"", **{k: v for k, v in FOREIGN.items() if k not in self.claims}}
        for i in range(5):
            heads[f"random bytes {i}"] = hashlib.shake_256(bytes([i])).digest(4096)
        faults = []
        for reader in self.declared(Reader):
            probe = reader.probe.load()
            for pattern in reader.patterns:
                for name, head in heads.items():
                    claim = probe(foreign_probe(pattern, head))
                    if not isinstance(claim, Claim):
                        faults.append(f"{reader.key}: probe returned {claim!r}, expected a Claim")
                    elif claim is not Claim.NO:
                        faults.append(
                            f"{reader.key}: probe answers {claim.name} to {name!r} as {pattern!r}"
                        )
        require(faults)

    def test_probes_are_light_and_do_not_open_the_file(self, tmp_path: Path) -> None:
        """The core opened the file already; a probe looks at the head alone."""
        one = self.targets()[-1]
        found = target.modules_after(one, probes=True) - target.modules_after(one, probes=False)
        require(f"asking the probes loads {n}" for n in sorted(found & set(target.HEAVY)))
        registry = self.registry()
        faults = []
        for sample in self.sample_files(tmp_path):
            head = sample.path.read_bytes()[:4096]
            reader = registry.get(Reader, sample.reader)
            probe = reader.probe.load()
            asked = foreign_probe(reader.patterns[0], head)
            with _Opened() as opened:
                claim = probe(replace(asked, path=sample.path, suffixes=_suffixes(sample.path)))
                absent = probe(replace(asked, suffixes=_suffixes(sample.path)))
            if str(sample.path) in opened.paths:
                faults.append(f"{reader.key}: probe opens the file; it is given FileProbe.head")
            elif claim is not absent:
                faults.append(
                    f"{reader.key}: probe answers {claim!r} and, when the file is not there, "
                    f"{absent!r}: it looks at more than it is given"
                )
        require(faults)

    def test_every_reader_has_a_sample_and_claims_it(self, tmp_path: Path) -> None:
        """The reader is the one best choice for its own file."""
        registry = self.registry()
        samples = self.sample_files(tmp_path)
        sampled = {s.reader for s in samples}
        require(
            f"no sample file for reader {r.key!r}: override sample_files()"
            for r in self.declared(Reader)
            if r.key not in sampled
        )
        faults = []
        for sample in samples:
            try:
                chosen = choose_reader(registry, sample.path, None, {}, sample.companions)
            except ConsilienceError as error:
                faults.append(f"{sample.path.name}: {error.what}")
                continue
            if chosen.key != sample.reader:
                faults.append(f"{sample.path.name}: {chosen.key} claims it, not {sample.reader}")
        require(faults)

    def test_read_returns_valid_signals(self, tmp_path: Path) -> None:
        """Units, standard deviations, finite values; lazily opened data as their summary says."""
        registry = self.registry()
        for sample in self.sample_files(tmp_path):
            answer = reading.read_sample(registry, sample)
            require(
                f"{sample.path.name}: {problem}"
                for problem in reading.problems_of_read(registry, sample, answer)
            )

    def test_simulated_files_are_read_as_simulated(self, tmp_path: Path) -> None:
        """A file that says it is simulated never becomes measured."""
        registry = self.registry()
        require(
            f"{sample.path.name}: signal {signal.name!r} has origin {signal.origin!r}, "
            "but the file says simulated"
            for sample in self.sample_files(tmp_path)
            if sample.says_simulated
            for signal in self._read(registry, sample)
            if signal.origin != "simulated"
        )

    def test_reading_twice_gives_the_same(self, tmp_path: Path) -> None:
        """Same bytes, same signals."""
        registry = self.registry()
        faults = []
        for sample in self.sample_files(tmp_path):
            reader = registry.get(Reader, sample.reader)
            first, second = (
                [
                    reading.signal_digest(reader, signal, sample)
                    for signal in self._read(registry, sample)
                ]
                for _ in range(2)
            )
            if first != second:
                faults.append(f"{sample.path.name}: {reader.key} gives another answer each time")
        require(faults)

    def test_reading_changes_nothing_on_disk(self, tmp_path: Path) -> None:
        """The raw file stays as it is, and nothing is written beside it."""
        registry = self.registry()
        samples = self.sample_files(tmp_path)
        before = _tree(tmp_path)
        for sample in samples:
            for signal in self._read(registry, sample):
                reading.materialise(registry.get(Reader, sample.reader), signal, sample)
        after = _tree(tmp_path)
        require(
            f"{name}: {'changed' if name in before and name in after else 'written or removed'} "
            "by reading"
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        )

    def test_damaged_files_are_refused_or_read_soundly(self, tmp_path: Path) -> None:
        """Truncated, flipped, empty and nonsense files raise BadFileError or BadInputError."""
        number = int(os.environ.get("CONSILIENCE_MUTANTS", "60"))
        registry = self.registry()
        cases: list[reading.Damaged] = []
        for i, sample in enumerate(s for s in self.sample_files(tmp_path) if s.damage):
            answer = reading.read_sample(registry, sample)
            if reading.problems_of_read(registry, sample, answer):
                pytest.skip("the sound file is not read soundly: that test comes first")
            folder = tmp_path / f"damaged-{i}"
            folder.mkdir()
            cases.extend(
                replace(case, name=f"{sample.path.name} (seed {self.seed}), {case.name}")
                for case in _damaged(sample, folder, self.seed, number)
            )
        self._require_refusals(cases, tmp_path)

    def test_senseless_options_are_refused(self, tmp_path: Path) -> None:
        """An unknown option is refused; a nonsense value is refused or has no effect."""
        registry = self.registry()
        cases: list[reading.Damaged] = []
        for sample in (s for s in self.sample_files(tmp_path) if s.damage):
            reader = registry.get(Reader, sample.reader)
            with pytest.raises(BadInputError, match="no option 'no-such-option'"):
                choose_reader(registry, sample.path, reader.key, {"no-such-option": 1})
            cases.extend(
                reading.Damaged(
                    reader.key,
                    f"{sample.path.name}, {name}={value!r}",
                    sample.path,
                    {**sample.options, name: value},
                    sample.companions,
                )
                for name in reader.options
                for value in NONSENSE
            )
        self._require_refusals(cases, tmp_path)

    def _require_refusals(self, cases: list[reading.Damaged], tmp_path: Path) -> None:
        """Read all cases in one child, since loading libraries is slow."""
        if cases:
            require(reading.read_damaged(self.targets(), cases, tmp_path))


class _Opened:
    """Lists the files that Python opens meanwhile."""

    paths: ClassVar[list[str]] = []
    _active: ClassVar[bool] = False
    _installed: ClassVar[bool] = False

    def __enter__(self) -> type[_Opened]:
        cls = type(self)
        cls.paths = []
        cls._active = True
        if not cls._installed:  # an audit hook cannot be removed, only silenced
            sys.addaudithook(cls._hook)
            cls._installed = True
        return cls

    def __exit__(self, *_: object) -> None:
        type(self)._active = False

    @classmethod
    def _hook(cls, event: str, arguments: tuple[Any, ...]) -> None:
        name: Any = arguments[0] if arguments else None
        if cls._active and event == "open" and isinstance(name, str):
            cls.paths.append(name)


def _suffixes(path: Path) -> tuple[str, ...]:
    return tuple(s.lower() for s in path.suffixes)


def _tree(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def _damaged(sample: SampleFile, folder: Path, seed: int, number: int) -> Iterator[reading.Damaged]:
    """Write damaged copies of the main file, and some of each companion."""
    for i, (name, data) in enumerate(mutants(sample.path.read_bytes(), seed, number)):
        path = folder / f"{i}-{sample.path.name}"
        path.write_bytes(data)
        yield reading.Damaged(sample.reader, name, path, sample.options, sample.companions)
    for role, companion in sample.companions.items():
        for i, (name, data) in enumerate(mutants(companion.read_bytes(), seed, number // 4)):
            path = folder / f"{role}-{i}-{companion.name}"
            path.write_bytes(data)
            yield reading.Damaged(
                sample.reader,
                f"companion {role}, {name}",
                sample.path,
                sample.options,
                {**sample.companions, role: path},
            )
