"""Runs in a child with limits: read damaged files and say what came of each.

The job comes as JSON on standard input; for each case one line before and one after
it, so that the parent knows which one killed the process.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

from consilience.errors import BadFileError, BadInputError
from consilience.testing.reading import problems_of_read, read_sample
from consilience.testing.samples import SampleFile
from consilience.testing.target import Target, load

__all__ = ["main"]


def main() -> None:
    """Do the job given on standard input."""
    job = json.load(sys.stdin)
    registry = load([Target(name, module) for name, module in job["targets"]])
    out = sys.stdout
    sys.stdout = sys.stderr  # a library that prints must not break the protocol
    warm = False
    for case in job["cases"]:
        sample = SampleFile(
            Path(case["path"]),
            case["reader"],
            case["options"],
            {k: Path(v) for k, v in case["companions"].items()},
        )
        print(json.dumps({"name": case["name"], "begun": True}), file=out, flush=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fault = _fault(registry, sample)
        print(json.dumps({"name": case["name"], "fault": fault}), file=out, flush=True)
        if not warm:
            _limit(job["memory"])  # after the libraries are loaded
            warm = True


def _fault(registry: Any, sample: SampleFile) -> str:
    """Return what is wrong with how a reader took a damaged file, or an empty string."""
    try:
        signals = read_sample(registry, sample)
        problems = problems_of_read(registry, sample, signals)
    except (BadFileError, BadInputError) as error:
        return "" if error.what and error.fix else f"error without what or fix: {error!r}"
    except BaseException as error:  # noqa: BLE001 - anything else is the fault looked for
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return (
            f"raised {type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno}), "
            "expected BadFileError or BadInputError"
        )
    return "returned bad signals: " + "; ".join(map(str, problems)) if problems else ""


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows: there the timeout alone protects
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


if __name__ == "__main__":
    main()
