"""Readers run only here: in worker processes with limits, over JSON and nothing else."""

from __future__ import annotations

from consilience.workers.limits import Limits
from consilience.workers.messages import (
    CheckRef,
    ModalityUnits,
    ReadJob,
    ReadOutcome,
    SignalDescription,
)
from consilience.workers.pool import WorkerPool, refuse_escapes

__all__ = [
    "CheckRef",
    "Limits",
    "ModalityUnits",
    "ReadJob",
    "ReadOutcome",
    "SignalDescription",
    "WorkerPool",
    "refuse_escapes",
]
