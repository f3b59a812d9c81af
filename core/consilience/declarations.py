"""What a plugin can declare: light data, with the code named lazily.

A declaration is a frozen dataclass of plain values.  Code is named by a `Ref`
and imported on first call, so that listing plugins loads no numpy.  The contracts
of the referenced callables stand beside each declaration; `consilience.testing`
checks them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

from consilience.errors import PluginError

__all__ = [
    "Analysis",
    "Check",
    "Claim",
    "Comparison",
    "Declaration",
    "Exporter",
    "FileProbe",
    "Kind",
    "Modality",
    "PluginInfo",
    "Reader",
    "Ref",
    "Rules",
    "Simulator",
    "View",
]


@dataclass(frozen=True)
class Ref:
    """A callable or class by name, imported on first use: ``Ref("package.module:name")``."""

    target: str

    def __post_init__(self) -> None:
        module, _, name = self.target.partition(":")
        if not module or not name.isidentifier():
            raise PluginError(
                f"reference {self.target!r} is not of the form 'package.module:name'",
                fix="write Ref('package.module:name')",
            )

    def load(self) -> Any:
        """Import and return the object.

        Raises
        ------
        PluginError
            The module cannot be imported or has no such name.
        """
        module, _, name = self.target.partition(":")
        try:
            return getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            raise PluginError(
                f"{self.target!r} cannot be imported: no module named {error.name!r}",
                fix=f"install what provides {error.name!r}, or mend the reference",
            ) from error
        except AttributeError as error:
            raise PluginError(
                f"module {module!r} has no {name!r}",
                fix=f"define {name!r} there or mend the reference {self.target!r}",
            ) from error


class Claim(IntEnum):
    """How sure a reader is that a file is its own."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True)
class FileProbe:
    """What a reader may look at to decide: the core opens the file once.

    `head` holds the first 4096 bytes; `suffixes` are lower-case with the dot, as
    in ``(".tar", ".gz")``.
    """

    path: Path
    head: bytes
    suffixes: tuple[str, ...]
    is_dir: bool

    @property
    def suffix(self) -> str:
        """The last suffix, lower-case with the dot, or an empty string."""
        return self.suffixes[-1] if self.suffixes else ""


@dataclass(frozen=True)
class PluginInfo:
    """Who the plugin is.  `api` is the host's API version that it was written for."""

    name: str
    version: str
    api: int
    summary: str
    licence: str
    homepage: str = ""


@dataclass(frozen=True)
class Modality:
    """A technique as far as data are concerned.

    `coordinates` and `variables` map each name to the units that are allowed for
    it, first the preferred one; readers convert at the edge, the core validates
    and never guesses.  Names that are not listed are kept, with any unit.
    `sees` says in words what the technique can speak of, `blind` what it cannot.
    `asks` names what its field wants reported of every measurement (dose, dose_rate, energy,
    temperature, atmosphere, transfer, storage, …); see `consilience.custody.account.completeness`.
    """

    key: str
    title: str
    coordinates: dict[str, tuple[str, ...]]
    variables: dict[str, tuple[str, ...]]
    sees: str = ""
    blind: str = ""
    asks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reader:
    """Turns files into signals; runs only in a worker process with limits.

    Parameters
    ----------
    key : str
        ``plugin.name``, unique among all plugins.
    modalities : tuple of str
        What it may return.
    patterns : tuple of str
        Lower-case file-name patterns (fnmatch) for which it wants to be asked.
    probe : Ref
        ``probe(FileProbe) -> Claim``; must not import anything heavy.
    read : Ref
        ``read(path: Path, options: Mapping[str, object], companions:
        Mapping[str, Path]) -> list[Signal]``.  Raises BadFileError or BadInputError
        and nothing else on bad input.
    open : Ref, optional
        ``open(path: Path, companions: Mapping[str, Path], lazy: Mapping[str,
        object]) -> xarray.Dataset`` for signals that stay in the raw file.
    linked : Ref, optional
        ``linked(path: Path) -> list[str]``: files that the main file refers to, relative to
        its folder; runs in the worker, before reading, so that they are registered and
        placed beside it.  Links that leave the folder are refused here.
    options : dict
        Option name to one line of help; unknown options are refused by the core.
    companions : dict
        Role to one line of help, e.g. ``{"geometry": "pyFAI .poni file"}``.
    """

    key: str
    modalities: tuple[str, ...]
    patterns: tuple[str, ...]
    probe: Ref
    read: Ref
    open: Ref | None = None
    linked: Ref | None = None
    options: dict[str, str] = field(default_factory=dict)
    companions: dict[str, str] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True)
class Analysis:
    """Turns measurements into findings.

    Parameters
    ----------
    key : str
        ``plugin.name``, unique.
    modality : str
    requires : tuple of str
        Variables a measurement must have for the analysis to apply.
    params : Ref
        A pydantic model with a default for every field (``extra="forbid"``).
    run : Ref
        ``run(measurements: Sequence[Measurement], params, context: AnalysisContext)
        -> AnalysisOutput``; see consilience.analysis.
    kinds : tuple of str
        Kinds of finding it may return.
    default : bool
        Run by ``consilience analyse`` without being named.
    scope : {"measurement", "sample"}
        One run for each measurement, or one for all measurements of the
        modality on one sample (series, maps of one area).
    """

    key: str
    modality: str
    requires: tuple[str, ...]
    params: Ref
    run: Ref
    kinds: tuple[str, ...]
    default: bool = True
    scope: Literal["measurement", "sample"] = "measurement"
    title: str = ""


@dataclass(frozen=True)
class Kind:
    """What sort of statement a finding makes.

    `about` fixes which comparison can serve it.  `margin` is the default
    equivalence margin in `unit`, or relative to the mean if `margin_relative`;
    None: no default, the study has to state one.  `goes_with` names kinds that are worth
    holding against this one over states, where two techniques follow one sample.  `amount`:
    zero means that there is none of the subject, so that a sample can show more than its control.
    `mapped_by` names kinds of map whose values are proportional to this one's.
    """

    name: str
    title: str
    about: Literal["presence", "scalar", "composition", "map", "series", "text"]
    unit: str | None
    margin: float | None = None
    margin_relative: bool = False
    margin_reason: str = ""
    goes_with: tuple[str, ...] = ()
    amount: bool = False
    mapped_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Compares findings of the named kinds.

    ``run(first: Finding, second: Finding, context: ComparisonContext) -> Verdict | None``
    is called for each pair of findings of these kinds on related samples; None
    means "not mine".  `priority`: where several serve a pair the highest decides.

    With `scope` "group" it is called once for two compositions, not once for each pair of
    their elements: `first` and `second` then stand for all findings of
    ``context.group(first)`` and ``context.group(second)``, and the verdict names them all.
    Findings of a kind that is not about composition stand for themselves.
    """

    key: str
    kinds: tuple[tuple[str, str], ...]
    run: Ref
    title: str
    priority: int = 0
    scope: Literal["pair", "group"] = "pair"


@dataclass(frozen=True)
class Rules:
    """A TOML resource with rules of custody and dose: ``resource`` inside ``package``."""

    key: str
    package: str
    resource: str


@dataclass(frozen=True)
class Check:
    """Is a measurement's data sane?  ``run(signal: Signal) -> list[Notice]``, in the worker."""

    key: str
    modality: str
    run: Ref
    title: str


@dataclass(frozen=True)
class View:
    """A section of the report.

    ``build(measurements: Sequence[Measurement], findings: Sequence[Finding],
    context: ViewContext) -> list[Figure | Cloud | Table | Text]``; never HTML.
    `modality` None: called once for the study with everything; `scope` as in Analysis.
    """

    key: str
    title: str
    build: Ref
    modality: str | None = None
    scope: Literal["measurement", "sample", "study"] = "measurement"


@dataclass(frozen=True)
class Simulator:
    """Writes simulated files that say so in the data.

    ``run(params, seed: int, folder: Path) -> list[Path]``; `params` a pydantic
    model with a default for every field.
    """

    key: str
    modality: str
    params: Ref
    run: Ref
    title: str


@dataclass(frozen=True)
class Exporter:
    """Writes one measurement, or what an analysis made of it, in a format of its field.

    ``run(measurement: Measurement, path: Path) -> None``; with `analysis`, the key of one,
    ``run(findings: Sequence[Finding], open_array: Callable[[str], xarray.Dataset], path: Path)
    -> None``, called with all findings of one run of it.
    """

    key: str
    modality: str
    suffix: str
    run: Ref
    title: str
    analysis: str = ""


Declaration = (
    Modality | Reader | Analysis | Kind | Comparison | Rules | Check | View | Simulator | Exporter
)
"""Any one thing that a plugin can declare."""

ProbeFunction = Callable[[FileProbe], Claim]
