"""The words of the project as types; see docs/vocabulary.md."""
