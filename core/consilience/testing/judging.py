"""Judgements of declarations, findings and report blocks; each returns its faults as text."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from consilience.analysis import AnalysisOutput
from consilience.declarations import (
    Analysis,
    Check,
    Comparison,
    Declaration,
    Exporter,
    Kind,
    Reader,
    Ref,
    Rules,
    Simulator,
    View,
)
from consilience.errors import PluginError
from consilience.registry import Registry
from consilience.validation import dataset_problems
from consilience.view import Cloud, Figure, Table, Text

__all__ = [
    "SIGNATURES",
    "block_faults",
    "key_of",
    "output_faults",
    "params_faults",
    "reference_faults",
    "rules_faults",
    "signature_faults",
]

SIGNATURES: dict[tuple[type, str], tuple[str, ...] | int] = {
    (Reader, "probe"): 1,
    (Reader, "read"): ("path", "options", "companions"),
    (Reader, "open"): ("path", "companions", "lazy"),
    (Reader, "linked"): ("path",),
    (Analysis, "run"): ("measurements", "params", "context"),
    (Comparison, "run"): ("first", "second", "context"),
    (Check, "run"): ("signal",),
    (View, "build"): ("measurements", "findings", "context"),
    (Simulator, "run"): ("params", "seed", "folder"),
    (Exporter, "run"): ("measurement", "path"),
}
"""Parameter names of each callable, or how many where any names will do."""

_PARAMS = (Analysis, Simulator)


def key_of(item: Declaration) -> str:
    """Return the key by which the core dispatches."""
    return item.name if isinstance(item, Kind) else item.key


def reference_faults(item: Declaration) -> Iterator[str]:
    """Yield what cannot be loaded."""
    for name, value in vars(item).items():
        if isinstance(value, Ref):
            try:
                target = value.load()
            except PluginError as error:
                yield f"{key_of(item)}, {name}: {error.what}"
                continue
            if not callable(target):
                yield f"{key_of(item)}, {name}: {value.target!r} is not callable"


def signature_faults(item: Declaration) -> Iterator[str]:
    """Yield callables that do not take exactly the documented parameters."""
    for (kind, name), documented in SIGNATURES.items():
        value = getattr(item, name, None)
        if not isinstance(item, kind) or not isinstance(value, Ref):
            continue
        expected = documented
        if isinstance(item, Exporter) and item.analysis:
            expected = ("findings", "open_array", "path")
        try:
            parameters = list(inspect.signature(value.load()).parameters.values())
        except (PluginError, TypeError, ValueError):
            continue  # reference_faults tells of it
        stars: dict[Any, str] = {
            inspect.Parameter.VAR_POSITIONAL: "*",
            inspect.Parameter.VAR_KEYWORD: "**",
        }
        found = tuple(stars.get(p.kind, "") + p.name for p in parameters)
        loose = any(p.kind in stars for p in parameters)
        fits = len(found) == expected if isinstance(expected, int) else found == expected
        if loose or not fits:
            wanted = "one parameter" if isinstance(expected, int) else ", ".join(expected)
            yield (f"{key_of(item)}, {name} takes ({', '.join(found)}), documented is ({wanted})")


def params_faults(item: Declaration) -> Iterator[str]:
    """Yield faults of a model of parameters."""
    from pydantic import BaseModel, ValidationError

    if not isinstance(item, _PARAMS):
        return
    where = f"{key_of(item)}, params"
    try:
        model = item.params.load()
    except PluginError:
        return  # reference_faults tells of it
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield f"{where}: {item.params.target!r} is no pydantic model"
        return
    if model.model_config.get("extra") != "forbid":
        yield f"{where}: model_config must have extra='forbid', so that a misspelt name is refused"
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    if required:
        yield f"{where}: no default for {', '.join(required)}"
        return
    try:
        plain = model()
        again = model.model_validate_json(plain.model_dump_json())
    except (ValidationError, ValueError) as error:
        yield f"{where}: the defaults do not pass the model's own checks: {error}"
        return
    if again != plain:
        yield f"{where}: the defaults do not survive JSON"


def rules_faults(item: Declaration) -> Iterator[str]:
    """Yield what is wrong with a TOML resource of rules."""
    from consilience.rules.loading import problems_in_rules

    if isinstance(item, Rules):
        yield from (f"{item.key}: {problem}" for problem in problems_in_rules(item))


def output_faults(analysis: Analysis, output: Any, registry: Registry) -> Iterator[str]:
    """Yield what is wrong with an analysis's answer."""
    if not isinstance(output, AnalysisOutput):
        yield f"{analysis.key} returned {type(output).__name__}, expected AnalysisOutput"
        return
    kinds = {k.name: k for k in registry.all(Kind)}
    for draft in output.findings:
        where = f"{analysis.key}, finding of kind {draft.kind!r}"
        kind = kinds.get(draft.kind)
        if kind is None:
            yield f"{where}: no such kind is registered (register_kinds adds one)"
        elif None not in (draft.unit, kind.unit) and draft.unit != kind.unit:
            yield f"{where}: unit {draft.unit!r}, the kind has {kind.unit!r}"
        if draft.kind not in analysis.kinds:
            yield f"{where}: the analysis declares {', '.join(analysis.kinds) or 'none'}"
        for std in (draft.std_stat, draft.std_sys):
            if std is not None and not 0 <= std < float("inf"):
                yield f"{where}: standard deviation {std!r}, expected None or >= 0"
        if draft.value is not None and draft.value != draft.value:
            yield f"{where}: the value is NaN; unknown is None"
        for name in (draft.array, draft.covariance.array if draft.covariance else None):
            if name is not None and name not in output.arrays:
                yield f"{where}: names array {name!r}, arrays holds {sorted(output.arrays)}"
    for name, data in output.arrays.items():
        for problem in dataset_problems(data, f"{analysis.key}, array {name!r}"):
            yield str(problem)


_BLOCKS = "Figure, Cloud, Table or Text"


def block_faults(view: View, blocks: Any) -> Iterator[str]:
    """Yield what is wrong with the blocks of a report section; draws each figure."""
    if not isinstance(blocks, Sequence) or isinstance(blocks, str | bytes):
        yield f"{view.key} returned {type(blocks).__name__}, expected a list of {_BLOCKS}"
        return
    for i, block in enumerate(blocks):
        where = f"{view.key}, block {i}"
        if isinstance(block, Table):
            yield from _table_faults(block, where)
        elif isinstance(block, Figure):
            yield from _figure_faults(block, where)
        elif isinstance(block, Cloud):
            yield from _cloud_faults(block, where)
        elif not isinstance(block, Text):
            yield f"{where} is a {type(block).__name__}, expected {_BLOCKS}, never HTML"


def _table_faults(table: Table, where: str) -> Iterator[str]:
    width = len(table.headings)
    for i, row in enumerate(table.rows):
        if len(row) != width:
            yield f"{where}, row {i} has {len(row)} cells under {width} headings"
        cells: Sequence[Any] = row  # plugins need not be type-checked
        for cell in cells:
            if not (cell is None or isinstance(cell, str | float | int | bool)):
                yield f"{where}, row {i} holds a {type(cell).__name__}, expected text or a number"
            elif isinstance(cell, float) and cell != cell:
                yield f"{where}, row {i} holds NaN; unknown is None"


def _figure_faults(figure: Figure, where: str) -> Iterator[str]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as MatplotlibFigure

    for name in ("title", "caption", "alt"):
        if not getattr(figure, name).strip():
            yield f"{where}: {name} is empty"
    yield from _table_faults(figure.table, f"{where}, table")
    canvas = MatplotlibFigure(figsize=figure.size)
    FigureCanvasAgg(canvas)
    try:
        figure.draw(canvas)
        canvas.canvas.draw()
    except Exception as error:  # noqa: BLE001 - whatever it raises is the fault
        yield f"{where}: draw raised {type(error).__name__}: {error}"
        return
    if not canvas.axes:
        yield f"{where}: draw left the figure empty"


def _cloud_faults(cloud: Cloud, where: str) -> Iterator[str]:
    from consilience.report.clouds import pack

    for name in ("title", "caption", "alt"):
        if not getattr(cloud, name).strip():
            yield f"{where}: {name} is empty"
    yield from _table_faults(cloud.table, f"{where}, table")
    try:
        pack(cloud)
    except Exception as error:  # noqa: BLE001 - whatever it raises is the fault
        yield f"{where}: {error}"
