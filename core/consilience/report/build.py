"""Render the content as one HTML file: autoescaped, without network, without foreign script."""

from __future__ import annotations

import base64
import hashlib
import traceback
from importlib import resources
from pathlib import PurePath
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Undefined
from markupsafe import Markup

from consilience.errors import ConsilienceError
from consilience.notation import UNKNOWN, cell, interval, number, state, unit_text
from consilience.report.arrange import arrange
from consilience.report.content import ReportContent
from consilience.report.text import visible
from consilience.report.timeline import written
from consilience.report.words import ANSWERS

__all__ = ["render"]

_UNKNOWN_HTML = Markup('<span class="unknown">unknown</span>')


def render(content: ReportContent) -> str:
    """Return the report as one HTML document.

    Parameters
    ----------
    content : ReportContent
        Everything the page says.

    Returns
    -------
    str
        A document that needs no other file and asks nothing of the network; it runs no
        script, or, where it shows clouds of points, one of ours that its policy names by hash.
        Equal content gives equal text.

    Notes
    -----
    Every value goes through `_finalize` and is then escaped by the template engine: control
    and direction characters become visible, None becomes the word *unknown*.
    """
    templates = resources.files("consilience.report").joinpath("templates")
    css = templates.joinpath("report.css").read_text("utf-8")
    page = arrange(content)
    script = templates.joinpath("cloud.js").read_text("utf-8") if page.has_clouds else ""
    try:
        return (
            _environment()
            .get_template("report.html.j2")
            .render(
                page=page,
                content=page.content,
                css=Markup(css),  # noqa: S704  our own file, and the page's policy names its hash
                css_hash=_hash(css),
                script=Markup(script),  # noqa: S704  our own file too
                script_hash=_hash(script),
                answers=ANSWERS,
            )
        )
    except ConsilienceError:
        raise
    except Exception as error:
        raise _in_template(error) from error


def _in_template(error: Exception) -> ConsilienceError:
    """Return what a template could not do, with its name and line."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(".j2")]
    name = getattr(error, "name", None)
    line = getattr(error, "lineno", None)
    if frames:
        name, line = PurePath(frames[-1].filename).name, frames[-1].lineno
    return ConsilienceError(
        f"the report's template {name or 'of unknown name'} could not be filled in: "
        f"{type(error).__name__}: {error}",
        fix="nothing in the study is lost; report this with what 'consilience --debug report' says",
        path=name,
        line=line,
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _finalize(value: Any) -> Any:
    """Make every printed value visible; None is unknown.  Escaping comes after this."""
    if isinstance(value, Markup | Undefined):
        return value
    if value is None:
        return _UNKNOWN_HTML
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, bool | int | float):
        return number(value)
    return visible(str(value))


def _attribute(value: str | None) -> str:
    """Return a text for an attribute, where no element can say *unknown*."""
    return UNKNOWN if value is None else " ".join(visible(value).split())


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("consilience.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        attribute=_attribute, cell=cell, number=number, state=state, unit=unit_text, when=written
    )
    environment.globals.update(interval=interval, number=number, unknown=_UNKNOWN_HTML)
    return environment
