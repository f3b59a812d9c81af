"""The commands and the Python in the documentation run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from consilience.study.study_file import StudyFile

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# its blocks are the scaffold's own files, which tests/test_docs_plugin.py compares and runs
PAGES = [p for p in PAGES if p.name != "write-a-plugin.md"]


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "COLUMNS": "100"}


def with_language(language: str) -> list[Path]:
    return [page for page in PAGES if blocks(page, language)]


FILES = "consilience demo --files-only --small --out demo"


def run(commands: list[str], folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(commands)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `FILES` writes: two pages start with it, and it takes its time."""
    folder = tmp_path_factory.mktemp("files")
    run([FILES], folder)
    return folder / "demo"


@pytest.mark.slow
@pytest.mark.parametrize("page", with_language("console"), ids=lambda p: p.name)
def test_commands_run(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    commands = [line[2:] for line in lines if line.startswith("$ ")]
    assert commands
    if FILES in commands:
        made = request.getfixturevalue("files")
        commands = [f"cp -r '{made}' demo" if line == FILES else line for line in commands]
    run(commands, tmp_path)


@pytest.mark.parametrize("page", with_language("python"), ids=lambda p: p.name)
def test_python_runs(page: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks(page, "python"))],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_study_file_in_the_documentation_is_one() -> None:
    (text,) = blocks(ROOT / "docs" / "study-toml.md", "toml")
    plan = StudyFile.model_validate(tomllib.loads(text))
    assert {name for name in StudyFile.model_fields if not getattr(plan, name)} == set()


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^([a-z][a-z0-9-]+)$", index, re.MULTILINE))
    assert named == {p.stem for p in (ROOT / "docs").glob("*.md")} - {"index"}


def test_exit_codes_in_the_documentation_are_those_of_the_errors() -> None:
    from consilience import errors
    from consilience.cli.bundles import DIFFERS
    from consilience.cli.custody_check import BROKEN

    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    documented = {int(n) for n in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    used = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ConsilienceError)
    }
    assert BROKEN not in used, "a chain that is not fine is no error of the program"
    assert DIFFERS not in used, "nor is a bundle that does not come to the same"
    assert used | {0, BROKEN, DIFFERS, 130} == documented
