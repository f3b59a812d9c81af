"""Which phases and elements there are, beside another technique and beside the control."""
