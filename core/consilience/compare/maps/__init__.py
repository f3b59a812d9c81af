"""Maps and profiles of one area: do they go together?"""
