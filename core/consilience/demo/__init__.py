"""Simulated studies, made from nothing: files, study files, reports, and the truth beside them."""

from __future__ import annotations

from consilience.demo.logs import write_log
from consilience.demo.plan import STUDIES, chosen, copy_study_file, read_plan
from consilience.demo.run import build_one, run_demo, write_files
from consilience.demo.simulating import simulate, simulate_plan

__all__ = [
    "STUDIES",
    "build_one",
    "chosen",
    "copy_study_file",
    "read_plan",
    "run_demo",
    "simulate",
    "simulate_plan",
    "write_files",
    "write_log",
]
