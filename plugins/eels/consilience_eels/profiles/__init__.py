"""Profiles along a line of a map, and the interfaces they cross."""

# SPDX-License-Identifier: GPL-3.0-or-later
