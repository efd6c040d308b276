"""How often a caller may do what is costly or could be guessed."""
