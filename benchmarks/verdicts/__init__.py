"""Simulated findings at known differences, and the rates that the normal distribution gives."""
