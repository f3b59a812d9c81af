"""Two techniques that follow one sample over several states."""
