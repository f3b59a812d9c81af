"""Maps: scans of patterns and of frames, block by block, to maps of phases, strain and width."""
