"""Numbers of one kind: pairs, the consensus of three or more, figures that a text states."""
