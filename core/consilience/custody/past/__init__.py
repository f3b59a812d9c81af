"""How long things lasted, what sensors recorded meanwhile, and what that adds up to."""
