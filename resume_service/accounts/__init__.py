"""Companies, their users, and how a user signs in. Knows no web framework."""
