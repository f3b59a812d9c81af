"""Files of microscopes to signals, and to HyperSpy and back."""

# SPDX-License-Identifier: GPL-3.0-or-later
