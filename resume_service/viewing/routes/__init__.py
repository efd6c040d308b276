"""Routes of the lists of a viewer, and of the marks for a series."""
