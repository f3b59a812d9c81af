"""Volumes of one sample: how large they are, and how much a quantity varies between them."""
