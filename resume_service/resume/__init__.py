"""The core: what a resume point is, the rules of a save, and where points are kept."""
