"""The zero loss and what it tells: thickness."""

# SPDX-License-Identifier: GPL-3.0-or-later
