"""Readers: from files of the field to signals."""
