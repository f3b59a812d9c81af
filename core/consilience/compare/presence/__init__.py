"""Which phases and elements there are: by two techniques, and in a sample and its control."""
