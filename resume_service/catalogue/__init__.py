"""Companies' videos, their files, and who has viewed them. Knows no web framework."""
