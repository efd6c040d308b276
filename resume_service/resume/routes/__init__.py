"""The three APIs of a resume point."""
