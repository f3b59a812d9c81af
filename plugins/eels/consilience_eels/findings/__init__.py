"""The analyses: from measurements to findings."""

# SPDX-License-Identifier: GPL-3.0-or-later
