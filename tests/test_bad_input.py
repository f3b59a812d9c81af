"""Bad input is met with one line that says what, one that says what to do, and the place."""

from __future__ import annotations

import errno
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from consilience import Study
from consilience.cli.app import app
from consilience.declarations import Modality, PluginInfo, Reader, Ref
from consilience.errors import BadFileError, BadInputError, ReaderCrashedError
from consilience.hookspecs import API_VERSION, hookimpl
from consilience.registry import Candidate, Registry

GOOD = "# axis: q, unit: 1/angstrom\n" + "".join(f"{1 + i / 100} {100 + i}\n" for i in range(50))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    with Study.create(folder, "bad input") as made:
        made.add_sample("chip")
    return folder


def run(study: Path, *args: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["-C", str(study), "--progress", "none", *args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def add(
    study: Path, tmp_path: Path, name: str, content: str | bytes, *args: str
) -> tuple[int, str]:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return run(study, "add", str(file), "--sample", "chip", *args)


def test_a_good_file_is_registered(study: Path, tmp_path: Path) -> None:
    code, text = add(study, tmp_path, "good.xy", GOOD)
    assert code == 0, text
    assert "registered" in text


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.xy", "", "'empty.xy' is empty (0 bytes)"),
        ("cut.xy", GOOD.rstrip("\n").rsplit(" ", 1)[0], "cut.xy"),
        ("words.xy", "# axis: q, unit: 1/angstrom\none two\nthree four\n", "words.xy"),
        ("back.xy", "# axis: q, unit: 1/angstrom\n1.0 5\n0.9 6\n1.1 7\n", "increas"),
        ("nan.xy", "# axis: q, unit: 1/angstrom\n1.0 5\n1.1 nan\n1.2 7\n", "nan"),
        ("unit.xy", "1.0 5\n1.1 6\n1.2 7\n", "--option axis="),
        ("unknown.zzz", "?", "no reader knows 'unknown.zzz'"),
    ],
)
def test_a_bad_file_is_refused_with_reason_fix_and_place(
    study: Path, tmp_path: Path, name: str, content: str, says: str
) -> None:
    code, text = add(study, tmp_path, name, content)
    assert code in (2, 4)
    assert says.lower() in text.lower()
    lines = text.strip().splitlines()
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("  fix: ")
    assert "Traceback" not in text
    with Study.open(study) as opened:
        assert opened.measurements() == []
        assert opened.verify().ok


def test_of_several_files_the_good_ones_are_registered(study: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.xy").write_bytes(b"")
    code, text = add(study, tmp_path, "good.xy", GOOD, str(tmp_path / "empty.xy"))
    assert code == 4
    assert "not registered: 'empty.xy' is empty" in text
    with Study.open(study) as opened:
        assert len(opened.measurements()) == 1


def test_unknown_sample_lists_the_known_ones(study: Path, tmp_path: Path) -> None:
    file = tmp_path / "good.xy"
    file.write_text(GOOD)
    code, text = run(study, "add", str(file), "--sample", "chop")
    assert code == 3
    assert "there is no sample 'chop'" in text
    assert "known samples: 'chip'" in text


def test_unknown_option_lists_the_known_ones(study: Path, tmp_path: Path) -> None:
    code, text = add(study, tmp_path, "good.xy", GOOD, "--option", "axes=q")
    assert code == 2
    assert "has no option 'axes'" in text
    assert "axis:" in text


def test_cyclic_lineage_shows_the_cycle(study: Path) -> None:
    assert run(study, "sample", "add", "b", "--parent", "chip")[0] == 0
    code, text = run(study, "sample", "add", "chip", "--parent", "b", "--revise")
    assert code == 2
    assert "the lineage is cyclic: chip → b → chip" in text


def test_unknown_parent_and_own_parent(study: Path) -> None:
    assert "parent 'zz' is not a sample" in run(study, "sample", "add", "b", "--parent", "zz")[1]
    assert "cannot be its own parent" in run(study, "sample", "add", "b", "--parent", "b")[1]


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "[/x]", "[bold]x", "a b ü", "=1+1"])
def test_hostile_names_are_kept_as_they_are_and_shown_harmless(
    study: Path, tmp_path: Path, name: str
) -> None:
    code, text = run(study, "sample", "add", name.replace("/", "|"), "--title", name)
    assert code == 0, text
    code, text = run(study, "samples")
    assert code == 0
    assert name in text
    page = tmp_path / "report.html"
    assert run(study, "report", "-o", str(page))[0] == 0
    assert "<script>alert" not in page.read_text(encoding="utf-8")
    code, text = run(study, "export", str(tmp_path / "out"))
    assert code == 0, text


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "a/b", "", " a"])
def test_names_that_would_break_a_line_or_a_path_are_refused(study: Path, name: str) -> None:
    code, text = run(study, "sample", "add", name)
    assert code == 2
    assert "cannot be a sample ID" in text
    assert "\x1b" not in text


def test_title_with_a_line_break_is_refused(study: Path) -> None:
    code, text = run(study, "sample", "add", "b", "--title", "two\nlines")
    assert code == 2
    assert "control character" in text


def test_no_study_here(tmp_path: Path) -> None:
    code, text = run(tmp_path, "samples")
    assert code == 3
    assert "consilience init" in text


def test_study_of_a_newer_version_names_it(study: Path) -> None:
    marker = json.loads((study / "consilience.json").read_text())
    marker |= {"format": 99, "written_by": "9.1.0"}
    (study / "consilience.json").write_text(json.dumps(marker))
    code, text = run(study, "samples")
    assert code == 7
    assert "9.1.0" in text


def child(study: Path, *args: str, **more: Any) -> subprocess.CompletedProcess[str]:
    code = "import sys; sys.argv[0] = 'consilience'; from consilience.cli.app import main; main()"
    command = [sys.executable, "-c", code, "-C", str(study), "--progress", "none", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)


AS_NOBODY = """
import os, sys
import consilience.cli.app, consilience.study.study, consilience.store.verify  # before rights go
import consilience.study.entering, consilience.rules
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.argv = ["consilience", *sys.argv[1:]]
consilience.cli.app.main()
"""


def test_no_write_permission_is_said_and_nothing_changes(study: Path, tmp_path: Path) -> None:
    folders = [study, *(p for p in study.rglob("*") if p.is_dir())]
    opened_up = [f for f in [tmp_path, *tmp_path.parents] if "pytest" in str(f)]
    before = {f: f.stat().st_mode for f in [*folders, *opened_up]}
    for folder in folders:
        folder.chmod(0o555)
    for folder in opened_up:
        folder.chmod(0o755)
    try:
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, "-C", str(study), "sample", "add", "new"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        for folder, mode in before.items():
            folder.chmod(mode)
    assert done.returncode == 8, done.stderr
    assert "does not allow it" in done.stderr
    with Study.open(study) as opened:
        assert list(opened.samples()) == ["chip"]


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_a_full_disk_is_said_and_earlier_data_are_intact(study: Path, tmp_path: Path) -> None:
    file = tmp_path / "large.xy"
    file.write_text("# axis: q, unit: 1/angstrom\n" + "".join(f"{i} {i}\n" for i in range(9000)))
    done = child(study, "add", str(file), "--sample", "chip", preexec_fn=small_files)
    assert done.returncode == 8, done.stderr
    assert "no room is left" in done.stderr
    assert "earlier data are intact" in done.stderr
    with Study.open(study) as opened:
        assert opened.measurements() == []
        assert opened.verify().ok


# --- a reader that crashes its worker ----------------------------------------------------------


class _Crasher:
    @hookimpl
    def plugin_info(self) -> PluginInfo:
        return PluginInfo("crasher", "1", API_VERSION, "dies", "BSD-3-Clause")

    @hookimpl
    def register_modalities(self) -> list[Modality]:
        return [Modality("crasher", "crash", {}, {"v": ("1",)})]

    @hookimpl
    def register_readers(self) -> list[Reader]:
        return [
            Reader(
                "crasher.file",
                ("crasher",),
                ("*.crash",),
                Ref("crashing_reader:probe_crash"),
                Ref("crashing_reader:read_crash"),
            )
        ]


def test_a_reader_that_crashes_takes_only_its_file_down(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "from consilience.declarations import Claim\nimport os\n"
    source += "def probe_crash(probe):\n    return Claim.YES\n"
    source += "def read_crash(path, options, companions):\n    os.kill(os.getpid(), 11)\n"
    (tmp_path / "crashing_reader.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    registry = Registry.discover([Candidate("crasher", _Crasher, ("test",))])
    (tmp_path / "file.crash").write_text("x")
    (tmp_path / "good.xy").write_text(GOOD)
    with Study.open(study, registry) as opened:
        with pytest.raises(ReaderCrashedError) as caught:
            opened.add(tmp_path / "file.crash", "chip")
        assert "crasher.file" in str(caught.value)
        assert "SIGSEGV" in str(caught.value)
        assert opened.add(tmp_path / "good.xy", "chip")[0].new
        assert len(opened.measurements()) == 1


# --- what belongs together ------------------------------------------------------------------


def test_same_file_twice_says_so_and_changes_nothing(study: Path, tmp_path: Path) -> None:
    add(study, tmp_path, "good.xy", GOOD)
    with Study.open(study) as opened:
        head = opened.head
    code, text = add(study, tmp_path, "good.xy", GOOD)
    assert code == 0
    assert "was already registered" in text
    with Study.open(study) as opened:
        assert opened.head == head


def test_one_file_cannot_be_of_two_samples(study: Path, tmp_path: Path) -> None:
    (tmp_path / "good.xy").write_text(GOOD)
    with Study.open(study) as opened:
        opened.add_sample("other")
        opened.add(tmp_path / "good.xy", "chip", state={"cycle": 1})
        with pytest.raises(BadInputError, match="of sample 'chip', not of 'other'"):
            opened.add(tmp_path / "good.xy", "other")
        with pytest.raises(BadInputError, match="in the state"):
            opened.add(tmp_path / "good.xy", "chip", state={"cycle": 2})


def test_a_missing_companion_is_named(study: Path, tmp_path: Path) -> None:
    file = tmp_path / "frame.tif"
    file.write_bytes(b"II*\0" + bytes(100))
    with Study.open(study) as opened, pytest.raises((BadInputError, BadFileError)) as caught:
        opened.add(file, "chip", reader="xrd.image", companions={"geometry": tmp_path / "no.poni"})
    assert "no.poni" in str(caught.value)


def test_a_revised_sample_keeps_what_is_not_named(study: Path) -> None:
    cut = ("--cut", "box 10,4 22,9 um", "--frame", "map", "--elements", "Pt")
    assert run(study, "sample", "derive", "cut", "--from", "chip", "--by", "lift_out", *cut)[0] == 0
    assert run(study, "sample", "add", "cut", "--elements", "Mn,O", "--revise")[0] == 0
    with Study.open(study) as opened:
        sample = opened.sample("cut")
    assert sample.parent == "chip"
    assert sample.cut is not None
    assert sample.elements == ["Mn", "O"]
    assert run(study, "sample", "add", "cut", "--elements", "", "--revise")[0] == 0
    with Study.open(study) as opened:
        assert opened.sample("cut").elements == []


def test_elements_that_only_the_parent_has_are_named(study: Path) -> None:
    assert run(study, "sample", "add", "film", "--elements", "Mn,O")[0] == 0
    code, text = run(study, "sample", "derive", "cut", "--from", "film", "--by", "lift_out")
    assert code == 0
    assert "what elements can be in 'cut' is not said; those of 'film' are not taken over" in text
    assert "fix: consilience sample add 'cut' --revise --elements Mn,O" in text
    code, text = run(study, "sample", "add", "cut", "--revise", "--elements", "Mn,O,Ga")
    assert "not said" not in text


@pytest.mark.parametrize(
    ("content", "says", "meant"),
    [
        (
            '[[mesurement]]\nfile = "a.xy"',
            "mesurement: nothing of that name is known",
            "measurement",
        ),
        (
            '[[sample]]\nid = "a"\nelments = []',
            "elments: nothing of that name is known",
            "elements",
        ),
        ('[[measurement]]\nfile = "a"\nsmple = "a"', "smple: nothing of that name is", "sample"),
        ('[margins.x]\nvalue = 1\nreson = "a"', "reson: nothing of that name is known", "reason"),
    ],
)
def test_a_misspelt_key_of_a_study_file_is_told_what_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, says: str, meant: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "study.toml"
    file.write_text(f'[study]\nname = "x"\n{content}\n')
    code, text = run(tmp_path / "made", "build", str(file))
    assert code == 2
    assert says in text
    assert f"fix: did you mean '{meant}'?" in text


def test_a_study_file_is_built_into_the_folder_that_was_named(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text('[study]\nname = "x"\n')
    code, text = run(tmp_path / "made", "build", str(file))
    assert code == 0, text
    assert Study.open(tmp_path / "made").name == "x"
    code, text = run(tmp_path / "made", "build", str(file), "--out", str(tmp_path / "other"))
    assert (tmp_path / "other" / "consilience.json").is_file()


def test_the_same_file_read_with_other_options_is_said(study: Path, tmp_path: Path) -> None:
    code, text = add(study, tmp_path, "good.xy", GOOD)
    assert "stands there already" not in text
    code, text = add(study, tmp_path, "good.xy", GOOD, "--option", "intensity_unit=count")
    assert code == 0
    with Study.open(study) as opened:
        first, second = (m.id for m in opened.measurement_records())
    assert f"the same signal of this file stands there already as {first} of 'chip'" in text
    assert f"with {first} or {second}" in text


@pytest.mark.parametrize("command", [["init"], ["export"], ["report", "--out"]])
def test_a_folder_that_cannot_be_made_is_three_lines(
    study: Path, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "file").write_text("")
    code, text = run(study, *command, str(tmp_path / "file" / "inside"))
    assert code == 3
    assert "a file stands where a folder is needed" in text
    assert f"at:  {tmp_path / 'file'}" in text
    assert "Traceback" not in text


def test_what_the_system_refuses_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "somewhere")

    monkeypatch.setattr("consilience.study.Study.open", refused)
    result = CliRunner().invoke(app, ["samples"])
    assert "Could not finish: the file system does not allow it" in result.output
    assert "at:  somewhere" in result.output
    assert "Traceback" not in result.output
