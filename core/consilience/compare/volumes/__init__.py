"""What different volumes of one sample add to the error of a difference."""
