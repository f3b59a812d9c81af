"""Reference spectra, their fit, detection limits and what can be observed."""

# SPDX-License-Identifier: GPL-3.0-or-later
