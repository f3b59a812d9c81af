"""Ask the plugins' views for their sections, each in isolation."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.declarations import View
from consilience.errors import ConsilienceError
from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.registry import Registry
from consilience.report.content import FailedView, Section
from consilience.report.text import one_line
from consilience.view import ViewContext

__all__ = ["collect_sections"]


def collect_sections(
    registry: Registry,
    measurements: Sequence[Measurement],
    findings: Sequence[Finding],
    context: ViewContext,
) -> tuple[list[Section], list[FailedView]]:
    """Call every registered view and return its sections, and the views that failed.

    Parameters
    ----------
    registry : Registry
    measurements, findings : sequences
        Of the whole study; each view is given those of its scope.
    context : ViewContext

    Returns
    -------
    sections : list of Section
        Empty answers are left out.
    failed : list of FailedView
        A view that raised, with the reason and what to do; the others are not affected.
    """
    sections: list[Section] = []
    failed: list[FailedView] = []
    for view in registry.all(View):
        plugin = registry.owner(view).info.name
        for some, said, measurement, sample in _scopes(view, measurements, findings):
            try:
                blocks = list(view.build.load()(some, said, context))
            except Exception as error:  # noqa: BLE001  one bad view never stops the report
                reason, fix = _explain(error, plugin)
                failed.append(FailedView(plugin, view.key, reason, fix, measurement, sample))
                continue
            if blocks:
                sections.append(Section(view.title, blocks, plugin, view.key, measurement, sample))
    return sections, failed


_Scope = tuple[Sequence[Measurement], Sequence[Finding], str | None, str | None]


def _scopes(
    view: View, measurements: Sequence[Measurement], findings: Sequence[Finding]
) -> list[_Scope]:
    """Return what the view is called with: once for each measurement, each sample, or once."""
    if view.modality is None or view.scope == "study":
        mine = [m for m in measurements if view.modality in (None, m.modality)]
        return [(mine, findings if view.modality is None else _of(mine, findings), None, None)]
    mine = sorted((m for m in measurements if m.modality == view.modality), key=lambda m: m.id)
    if view.scope == "measurement":
        return [([m], _of([m], findings), m.id, None) for m in mine]
    samples = sorted({m.sample for m in mine})
    scopes: list[_Scope] = []
    for sample in samples:
        here = [m for m in mine if m.sample == sample]
        scopes.append((here, _of(here, findings), None, sample))
    return scopes


def _of(measurements: Sequence[Measurement], findings: Sequence[Finding]) -> list[Finding]:
    known = {m.id for m in measurements}
    return [f for f in findings if known.intersection(f.measurements)]


def _explain(error: Exception, plugin: str) -> tuple[str, str]:
    if isinstance(error, ConsilienceError):
        return error.what, error.fix
    return (
        f"{type(error).__name__}: {one_line(str(error), 400) or 'no message'}",
        f"report it to the author of plugin {plugin!r}; findings and verdicts are not affected",
    )
