"""From energy to electron momentum, windows, regions."""
