"""Two quantities over the states of a sample: do they go together, and how is that known?"""
