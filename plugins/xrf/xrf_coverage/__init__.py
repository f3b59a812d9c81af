"""Do the errors of this plugin hold?  Repeats by two forward models, judged together."""
