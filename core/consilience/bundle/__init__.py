"""Bundles: a study as a folder that is read without Consilience, and run again with it."""

from consilience.bundle.rerun import Rerun, rerun, words_of
from consilience.bundle.writing import write_bundle

__all__ = ["Rerun", "rerun", "words_of", "write_bundle"]
