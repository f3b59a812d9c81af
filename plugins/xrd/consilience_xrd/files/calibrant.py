"""Patterns among a study's reference files: calibrants and blanks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.errors import BadInputError
from consilience_xrd.files.text import read_text_pattern
from consilience_xrd.files.xrdml import read_xrdml

if TYPE_CHECKING:
    from consilience.analysis import ReferenceFile
    from consilience_xrd.pattern import Pattern

__all__ = ["reference_file_pattern"]


def reference_file_pattern(
    name: str, references: Sequence[ReferenceFile], like: Pattern, what: str
) -> Pattern:
    """Read a registered reference file as a pattern on the axis of another one.

    Parameters
    ----------
    name : str
        Of the reference file (.xy, .xye, .csv or .xrdml).
    references : sequence of ReferenceFile
    like : Pattern
        The sample's.  Axis, unit and wavelength are its own where the file does not say them.
    what : str
        Calibrant or blank, for messages.

    Raises
    ------
    BadInputError
        No such reference file; another axis, or another wavelength.
    """
    found = [r for r in references if name in (r.name, r.title)]
    if not found:
        known = ", ".join(r.name for r in references) or "none"
        raise BadInputError(
            f"No reference file of the study is called {name!r}; it has {known}.",
            fix=f"Register the {what} as a reference, or give its name as registered.",
        )
    path = found[0].path
    if found[0].name.lower().endswith(".xrdml"):
        pattern = read_xrdml(path)[0]
    else:
        try:
            pattern = read_text_pattern(path)
        except BadInputError:
            said = {"axis": like.axis, "unit": like.unit}
            if like.source is not None:
                said["wavelength"] = f"{like.source.wavelength!r} angstrom"
            pattern = read_text_pattern(path, said)
    if pattern.axis != like.axis:
        raise BadInputError(
            f"The {what} {name} is over {pattern.axis}, the sample over {like.axis}.",
            fix="Convert one of them, so that both have one axis.",
        )
    here, there = like.source, pattern.source
    if here is not None and there is not None:
        apart = abs(there.wavelength / here.wavelength - 1)
        if apart > 1e-3:
            raise BadInputError(
                f"The {what} {name} was measured at {there.wavelength:.6g} angstrom, the sample at "
                f"{here.wavelength:.6g}.",
                fix=f"Use a {what} of the same instrument and wavelength.",
            )
    return pattern
