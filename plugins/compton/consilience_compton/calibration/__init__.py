"""Energy scale of each pixel, bad pixels, drift between states."""
