"""Do the errors of this plugin hold?  Repeats by two forward models, judged together."""

# SPDX-License-Identifier: GPL-3.0-or-later
