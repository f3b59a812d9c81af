"""Components of a spectrum image, found without a name."""

# SPDX-License-Identifier: GPL-3.0-or-later
