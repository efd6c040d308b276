"""`make bench`: the service beside servers that do the same work, on this machine."""
