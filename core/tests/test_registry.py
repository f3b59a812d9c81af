"""One bad plugin never stops the rest, and is listed with its reason and the fix."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from consilience.declarations import Kind, Modality, Reader, Ref, View
from consilience.errors import NotFoundError, PluginError
from consilience.hookspecs import API_VERSION
from consilience.registry import Candidate, FailedPlugin, Registry

GOOD = """
from consilience.declarations import *
from consilience.hookspecs import hookimpl

@hookimpl
def plugin_info():
    return PluginInfo("NAME", "1.0", API, "a test", "BSD-3-Clause")

@hookimpl
def register_modalities():
    return [Modality("NAME", "n", {}, {"a": ("1",)})]

@hookimpl
def register_readers():
    return [Reader("NAME.text", ("NAME",), ("*.NAME",), Ref("m:probe"), Ref("m:read"))]
"""


def module(folder: Path, name: str, text: str = GOOD, api: int = API_VERSION) -> Candidate:
    """Write a plugin to a file and return it as a candidate, not yet imported."""
    file = f"plugin_for_test_{folder.name}_{name}"
    code = text.replace("NAME", name).replace("API", str(api))
    (folder / f"{file}.py").write_text(code, encoding="utf-8")
    return Candidate(name, lambda: importlib.import_module(file), (f"dist-{name}",))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def loaded(*candidates: Candidate) -> Registry:
    registry = Registry()
    for candidate in candidates:
        registry.load(candidate, {c.name for c in candidates})
    return registry


def one_failure(registry: Registry, name: str) -> FailedPlugin:
    assert [f.name for f in registry.failed] == [name]
    assert registry.failed[0].fix
    return registry.failed[0]


def test_good_plugin_is_found_by_type_and_key(folder: Path) -> None:
    registry = loaded(module(folder, "aa"))
    assert registry.failed == []
    reader = registry.get(Reader, "aa.text")
    assert registry.owner(reader).info.version == "1.0"
    assert registry.owner(reader).distribution == "dist-aa"
    assert [m.key for m in registry.all(Modality)] == ["aa"]
    assert registry.all(View) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "import no_such_module_at_all\n",
            "cannot be imported: no module named 'no_such_module_at_all'",
        ),
        ("1 / 0\n", "ZeroDivisionError while it was loaded: division by zero"),
        ("def broken(:\n", "SyntaxError while it was loaded"),
        ("import sys\nsys.exit(3)\n", "called sys.exit(3) while it was imported"),
        ("raise BaseException('odd')\n", "BaseException while it was loaded: odd"),
        ("a = 1\n", "plugin_info() returned [], expected one PluginInfo"),
        (GOOD.replace("def register_readers", "def register_reders"), "does not fit the hooks"),
        (
            GOOD.replace("def register_readers()", "def register_readers(app)"),
            "does not fit the hooks",
        ),
        (
            GOOD.replace('PluginInfo("NAME"', 'PluginInfo("other"'),
            "calls itself 'other', but its entry point is 'bad'",
        ),
        (
            GOOD.replace('"NAME.text"', '"other.text"'),
            "the reader 'other.text' does not start with the plugin's name",
        ),
        (
            GOOD.replace("return [Reader", "return (r for r in [Reader").replace(
                'read"))]', 'read"))])'
            ),
            "register_readers() returned generator, expected a list of Reader",
        ),
        (
            GOOD.replace("return [Modality(", "return [Kind(").replace(
                ', {}, {"a": ("1",)}', ', "scalar", "1"'
            ),
            "register_modalities() returned a Kind, expected Modality",
        ),
        (
            GOOD.replace('Ref("m:probe")', "len"),
            "Reader 'bad.text': probe is a builtin_function_or_method",
        ),
        (
            GOOD.replace('Ref("m:probe")', 'Ref("m.probe")'),
            "reference 'm.probe' is not of the form",
        ),
        (
            GOOD.replace("return [Reader(", "return 2 * [Reader("),
            "declares the reader 'bad.text' twice",
        ),
        (
            GOOD + "\n@hookimpl\ndef register_views():\n    raise KeyError('x')\n",
            "KeyError while it was loaded: 'x'",
        ),
    ],
)
def test_broken_plugin_is_listed_and_the_others_run(folder: Path, text: str, reason: str) -> None:
    registry = loaded(module(folder, "aa"), module(folder, "bad", text), module(folder, "zz"))
    assert reason in one_failure(registry, "bad").reason
    assert sorted(registry.plugins) == ["aa", "zz"]
    assert [r.key for r in registry.all(Reader)] == ["aa.text", "zz.text"], "all or nothing"
    assert [m.key for m in registry.all(Modality)] == ["aa", "zz"], "all or nothing"


@pytest.mark.parametrize(
    ("api", "fix"),
    [
        (API_VERSION - 1, "install a newer release of the plugin"),
        (API_VERSION + 1, "install a newer consilience"),
    ],
)
def test_wrong_api_version_says_which_side_is_old(folder: Path, api: int, fix: str) -> None:
    failed = one_failure(loaded(module(folder, "aa", api=api)), "aa")
    assert failed.reason == f"written for API version {api}, this host has {API_VERSION}"
    assert failed.fix == fix


def test_redeclared_modality_names_the_owner(folder: Path) -> None:
    first, second = module(folder, "aa"), module(folder, "bb")
    registry = loaded(first, second)
    thief = module(folder, "cc", GOOD.replace('Modality("NAME"', 'Modality("aa"'))
    assert not registry.load(thief)
    failed = one_failure(registry, "cc")
    assert failed.reason == "redeclares the modality 'aa', which plugin 'aa' owns"
    assert failed.fix == "rename it, for example 'cc.aa'"
    assert "cc.text" not in [r.key for r in registry.all(Reader)]


def test_reader_key_of_another_plugin_is_refused(folder: Path) -> None:
    thief = module(folder, "cc", GOOD.replace('"NAME.text"', '"aa.text"'))
    registry = loaded(module(folder, "aa"), thief)
    failed = one_failure(registry, "cc")
    assert failed.reason == "redeclares the reader 'aa.text', which plugin 'aa' owns"
    assert failed.fix == "rename it, for example 'cc.text'"
    assert registry.owner(registry.get(Reader, "aa.text")).info.name == "aa"


def test_nobody_takes_the_name_of_a_plugin_that_comes_later(folder: Path) -> None:
    thief = module(folder, "aa", GOOD.replace('Modality("NAME"', 'Modality("zz"'))
    registry = loaded(thief, module(folder, "zz"))
    assert one_failure(registry, "aa").reason == (
        "declares the modality 'zz', the name of another plugin"
    )
    assert sorted(registry.plugins) == ["zz"]


def test_two_plugins_of_one_name(folder: Path) -> None:
    first = module(folder, "aa")
    registry = loaded(first)
    other = Candidate("aa", first.load, ("elsewhere",))
    assert not registry.load(other)
    failed = one_failure(registry, "aa")
    assert (failed.reason, failed.distribution) == (
        "a plugin named 'aa' is already loaded",
        "elsewhere",
    )


def test_two_distributions_of_one_entry_point_count_once(folder: Path) -> None:
    one = module(folder, "aa")
    registry = loaded(Candidate("aa", one.load, ("consilience", "consilience-aa")))
    assert registry.failed == []
    warning = registry.plugins["aa"].warning
    assert "provided by consilience and consilience-aa; counted once" in warning
    assert "pip uninstall consilience-aa, then reinstall consilience" in warning


def test_installed_entry_points_of_two_distributions_are_merged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = module(folder, "aa")
    name = one.load().__name__
    del sys.modules[name]
    for owner in ("consilience_a", "consilience_b"):
        info = folder / f"{owner}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {owner}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[consilience.plugins]\naa = {name}\n")
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    registry = Registry.discover()
    assert "aa" in registry.plugins
    assert "consilience_a and consilience_b" in registry.plugins["aa"].warning
    assert not [f for f in registry.failed if f.name == "aa"]


def test_keyboard_interrupt_is_not_swallowed() -> None:
    def interrupt() -> ModuleType:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Registry().load(Candidate("aa", interrupt))


def test_discovery_knows_the_core(folder: Path) -> None:
    registry = Registry.discover([module(folder, "aa")])
    assert registry.get(Kind, "phase").title == "phase"
    assert "aa" in registry.plugins
    assert registry.plugins["core"].info.name == "core"


def test_unknown_key_lists_what_there_is(folder: Path) -> None:
    registry = loaded(module(folder, "aa"), module(folder, "bad", "1 / 0\n"))
    with pytest.raises(NotFoundError, match=r"no reader is called 'aa\.txt'") as caught:
        registry.get(Reader, "aa.txt")
    assert caught.value.fix == "did you mean 'aa.text'?"
    with pytest.raises(NotFoundError) as caught:
        registry.get(Reader, "raman")
    assert caught.value.fix == "use one of: aa.text"
    with pytest.raises(NotFoundError) as caught:
        registry.get(Reader, "bad.text")
    assert caught.value.fix == "plugin 'bad' failed to load: see 'consilience plugins'"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("no_such_package.a:b", "no module named 'no_such_package'"),
        ("json:no_such_name", "module 'json' has no 'no_such_name'"),
    ],
)
def test_reference_that_leads_nowhere(target: str, said: str) -> None:
    with pytest.raises(PluginError, match=said):
        Ref(target).load()


def test_reference_imports_on_first_use(folder: Path) -> None:
    (folder / "late_module_of_this_test.py").write_text("def f():\n    return 7\n")
    ref = Ref("late_module_of_this_test:f")
    assert "late_module_of_this_test" not in sys.modules
    function: Callable[[], int] = ref.load()
    assert function() == 7
