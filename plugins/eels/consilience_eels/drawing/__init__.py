"""Sections of the report."""

# SPDX-License-Identifier: GPL-3.0-or-later
