"""Warns when it is imported, as many libraries do."""

import warnings

warnings.warn("said while importing, once in a process", UserWarning, stacklevel=1)
