"""`make bench-scale`: time and memory by the number of stored points."""
