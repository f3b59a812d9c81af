"""Exactly one reader is best, or an error says what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from consilience.declarations import Claim, FileProbe, Modality, Reader, Ref
from consilience.errors import (
    AmbiguousReaderError,
    BadFileError,
    BadInputError,
    NotFoundError,
    PermissionDeniedError,
)
from consilience.probing import choose_reader, probe_file
from consilience.registry import FailedPlugin, Registry

HERE = "probes_for_test_probing"
PROBES = """
from consilience.declarations import Claim
seen = []
def yes(probe):
    seen.append(probe)
    return Claim.YES
def maybe(probe): return Claim.MAYBE
def no(probe): return Claim.NO
def number(probe): return 2
def wrong(probe): return "certainly"
def fails(probe): raise KeyError("header")
"""


@pytest.fixture(autouse=True)
def probes_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{HERE}.py").write_text(PROBES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, HERE, raising=False)


def registry(*probes: str, companions: dict[str, dict[str, str]] | None = None) -> Registry:
    """Make a registry with one reader for each probe, called ``p.PROBE`` or ``p.PROBE2``."""
    made = Registry()
    readers = {}
    for probe in probes:
        key = f"p.{probe}"
        readers[key] = Reader(
            key,
            ("p",),
            ("*.txt", "*.tar.gz"),
            Ref(f"{HERE}:{probe.rstrip('2')}"),
            Ref(f"{HERE}:no"),
            options={"scale": "a factor"},
            companions=(companions or {}).get(key, {}),
        )
    made._by_type = {Reader: dict(readers), Modality: {}}
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "A.TXT"
    path.write_bytes(b"x" * 5000)
    return path


@pytest.mark.parametrize(
    ("probes", "key"),
    [
        (("yes", "maybe", "no"), "p.yes"),
        (("maybe", "no"), "p.maybe"),
        (("maybe", "number"), "p.number"),
        (("fails", "maybe"), "p.maybe"),
        (("wrong", "maybe"), "p.maybe"),
    ],
)
def test_one_best_claim_wins_in_any_order(file: Path, probes: tuple[str, ...], key: str) -> None:
    assert choose_reader(registry(*probes), file).key == key
    assert choose_reader(registry(*reversed(probes)), file).key == key


def test_a_tie_lists_the_keys_and_the_fix(file: Path) -> None:
    with pytest.raises(AmbiguousReaderError) as caught:
        choose_reader(registry("yes", "yes2", "maybe"), file)
    assert caught.value.what == "2 readers claim 'A.TXT' equally: p.yes, p.yes2"
    assert caught.value.fix == "choose one, for example --reader p.yes"
    assert choose_reader(registry("yes", "yes2"), file, "p.yes2").key == "p.yes2"


def test_a_companion_that_only_one_knows_decides_a_tie(file: Path) -> None:
    tied = registry("yes", "yes2", companions={"p.yes2": {"geometry": "a .poni"}})
    assert choose_reader(tied, file, companions={"geometry": file}).key == "p.yes2"


def test_unknown_file_says_what_readers_look_at(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    path.write_bytes(b"1")
    with pytest.raises(AmbiguousReaderError) as caught:
        choose_reader(registry("yes"), path)
    assert caught.value.what == "no reader knows 'a.xyz'"
    assert "readers look at *.tar.gz, *.txt" in caught.value.fix
    with pytest.raises(AmbiguousReaderError) as caught:
        choose_reader(Registry(), path)
    assert "nothing: no plugin is installed" in caught.value.fix


def test_failing_probes_and_plugins_are_part_of_the_reason(file: Path) -> None:
    found = registry("fails", "wrong", "no")
    found.failed.append(FailedPlugin("raman", "?", "x", "y"))
    with pytest.raises(AmbiguousReaderError) as caught:
        choose_reader(found, file)
    assert "probe of 'p.fails' failed: KeyError: 'header'" in caught.value.what
    assert "probe of 'p.wrong' failed: ValueError" in caught.value.what
    assert "plugin 'raman' failed to load" in caught.value.what


def test_the_file_is_opened_once_and_the_head_handed_round(file: Path) -> None:
    import importlib

    choose_reader(registry("yes", "no", "maybe"), file)
    (probe,) = importlib.import_module(HERE).seen
    assert probe == FileProbe(file, b"x" * 4096, (".txt",), is_dir=False)
    assert probe.suffix == ".txt"


def test_suffixes_are_lower_case_and_all_there(tmp_path: Path) -> None:
    path = tmp_path / "b.TAR.Gz"
    path.write_bytes(b"1")
    assert probe_file(path).suffixes == (".tar", ".gz")
    assert choose_reader(registry("yes"), path).key == "p.yes"


def test_a_folder_has_no_head(tmp_path: Path) -> None:
    assert probe_file(tmp_path).is_dir
    assert probe_file(tmp_path).head == b""


def test_empty_and_absent_files(tmp_path: Path) -> None:
    empty = tmp_path / "a.txt"
    empty.touch()
    with pytest.raises(BadFileError, match=r"'a\.txt' is empty \(0 bytes\)"):
        choose_reader(registry("yes"), empty)
    with pytest.raises(NotFoundError, match="there is no file"):
        choose_reader(registry("yes"), tmp_path / "b.txt")


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_file_that_may_not_be_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # root may read anything, so the system's answer is put here
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionDeniedError, match="permission denied"):
        probe_file(file)


def test_unknown_options_roles_and_readers_list_the_known(file: Path) -> None:
    known = registry("yes")
    with pytest.raises(BadInputError) as caught:
        choose_reader(known, file, options={"scael": 2})
    assert caught.value.what == "reader 'p.yes' has no option 'scael'"
    assert caught.value.fix == "it knows scale: a factor"
    with pytest.raises(BadInputError) as caught:
        choose_reader(known, file, companions={"dark": file})
    assert caught.value.fix == "it knows it takes none"
    with pytest.raises(NotFoundError, match=r"no reader is called 'p\.other'"):
        choose_reader(known, file, "p.other")


def test_claims_are_ordered() -> None:
    assert Claim.NO < Claim.MAYBE < Claim.YES


def test_a_name_that_does_not_fit_its_content_says_who_declined(tmp_path: Path) -> None:
    file = tmp_path / "text.pos"
    file.write_text("no ions here\n")
    with pytest.raises(AmbiguousReaderError, match=r"its name says: apt\.pos") as caught:
        choose_reader(Registry.discover(), file)
    assert caught.value.fix == "to hear why, name one: --reader apt.pos"


def test_a_folder_is_called_a_folder(tmp_path: Path) -> None:
    with pytest.raises(AmbiguousReaderError, match="is a folder"):
        choose_reader(Registry.discover(), tmp_path)


def test_a_cif_and_a_companion_are_told_where_they_belong(tmp_path: Path) -> None:
    for name, said in (
        ("Pt.cif", "register a reference cell with 'consilience reference FILE'; "),
        ("frame.poni", "give it beside the file it belongs to, as --with geometry=FILE; "),
        ("notes.xyz", "readers look at "),
    ):
        file = tmp_path / name
        file.write_text("anything\n")
        with pytest.raises(AmbiguousReaderError, match=f"no reader knows '{name}'") as caught:
            choose_reader(Registry.discover(), file)
        assert caught.value.fix.startswith(said)
