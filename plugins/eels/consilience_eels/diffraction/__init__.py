"""Rings and spots: of images through their transform, and of diffraction patterns themselves."""

# SPDX-License-Identifier: GPL-3.0-or-later
