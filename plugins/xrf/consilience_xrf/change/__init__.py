"""What changed between maps of one area."""
