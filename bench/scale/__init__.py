"""`make bench-scale`: what the number of stored points costs in time and in memory."""
