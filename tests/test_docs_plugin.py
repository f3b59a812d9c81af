"""The page on plugins shows the scaffold's own files, that on hooks the hooks as they are."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest
import typer

from consilience import declarations, hookspecs
from consilience.scaffold import new_plugin
from consilience.scaffold.create import FILES
from consilience.testing.judging import SIGNATURES

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "write-a-plugin.md"
SHOWN = re.compile(
    r"^```\{code-block\} \w+\n:caption: ([^\n]+)\n\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
PLAIN = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NOT_SHOWN = {"README.md", "consilience_raman/__init__.py", "consilience_raman/py.typed"}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_plugin("raman", tmp_path_factory.mktemp("docs"))


def test_every_file_shown_is_what_the_scaffold_writes(plugin: Path) -> None:
    shown = dict(SHOWN.findall(PAGE.read_text(encoding="utf-8")))
    written = {p.relative_to(plugin).as_posix() for p in plugin.rglob("*") if p.is_file()}
    assert set(shown) == written - NOT_SHOWN
    for name, text in shown.items():
        assert text == (plugin / name).read_text(encoding="utf-8"), name
    assert len(FILES) == len(written)


def test_every_block_of_the_page_is_looked_at() -> None:
    text = PAGE.read_text(encoding="utf-8")
    languages = [language for language, _ in PLAIN.findall(text)]
    assert languages == ["sh", "python"]
    assert text.count("\n```") == 2 * (len(SHOWN.findall(text)) + len(languages))


@pytest.mark.slow
def test_the_example_of_own_samples_passes(plugin: Path) -> None:
    ((_, code),) = (b for b in PLAIN.findall(PAGE.read_text(encoding="utf-8")) if b[0] == "python")
    code = code.replace(
        'plugin = "raman"', 'plugin = "raman"\n    module = "consilience_raman.plugin"'
    )
    (plugin / "tests" / "test_raman_own.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_raman_own.py"],
        cwd=plugin,
        env={**os.environ, "PYTHONPATH": str(plugin), "CONSILIENCE_MUTANTS": "20"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (plugin / "tests" / "test_raman_own.py").unlink()


def test_commands_of_the_page_exist() -> None:
    from consilience.cli.app import app

    ((_, code),) = (b for b in PLAIN.findall(PAGE.read_text(encoding="utf-8")) if b[0] == "sh")
    assert "consilience plugins new raman" in code.splitlines()
    plugins = typer.main.get_command(app).commands["plugins"]  # type: ignore[attr-defined]
    assert "new" in plugins.commands


def table(start: str) -> list[list[str]]:
    lines = (DOCS / "hooks.md").read_text(encoding="utf-8").splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(start))
    found = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def test_hooks_are_documented_with_their_signature() -> None:
    documented = {row[0].strip("`"): row[1].strip("`") for row in table("| hook |")}
    real = {}
    for name in hookspecs.HOOKS:
        hook = getattr(hookspecs, name)
        signature = inspect.signature(hook)
        answer = typing.get_type_hints(hook)["return"]
        inner = typing.get_args(answer)
        shown = f"Sequence[{inner[0].__name__}]" if inner else answer.__name__
        real[f"{name}({', '.join(signature.parameters)})"] = shown
    assert documented == real
    assert list(documented) == [f"{name}()" for name in hookspecs.HOOKS], "in the same order"


def test_callables_are_documented_with_the_parameters_that_the_contract_asks_for() -> None:
    documented = {}
    for declaration, name, parameters, _ in table("| declaration |"):
        kind = getattr(declarations, declaration.strip("`"))
        names = tuple(re.findall(r"`(\w+)`", parameters))
        documented[kind, name.strip("`")] = 1 if parameters.startswith("one ") else names
    assert documented == SIGNATURES


def test_every_hook_of_the_specification_is_on_the_list() -> None:
    marked = [
        name
        for name, value in vars(hookspecs).items()
        if callable(value) and hasattr(value, f"{hookspecs.PROJECT}_spec")
    ]
    assert tuple(marked) == hookspecs.HOOKS


def test_documented_api_version_is_the_real_one() -> None:
    text = (DOCS / "hooks.md").read_text(encoding="utf-8")
    assert f"The API version is {hookspecs.API_VERSION}." in text
