"""A simulated study, made from nothing: files, study file, report."""

from __future__ import annotations

from consilience.demo.run import run_demo

__all__ = ["run_demo"]
