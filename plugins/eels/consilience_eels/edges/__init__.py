"""Ionisation edges: the background under them, their counts, and ratios of elements."""

# SPDX-License-Identifier: GPL-3.0-or-later
