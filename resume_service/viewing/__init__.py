"""Lists of a viewer's videos: what to continue, and the next episodes. Marks for a whole series."""
