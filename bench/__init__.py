"""`make bench`: compares the service with servers that do the same work, on this machine."""
