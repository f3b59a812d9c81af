"""Simulated files that say so."""

# SPDX-License-Identifier: GPL-3.0-or-later
