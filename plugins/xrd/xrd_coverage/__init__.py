"""Do the stated errors of peaks and cells hold?  Run with ``python -m xrd_coverage``."""

__all__: list[str] = []
