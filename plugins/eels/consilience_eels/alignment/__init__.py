"""Bringing spectra and frames into line: the zero loss, spikes, drift."""

# SPDX-License-Identifier: GPL-3.0-or-later
