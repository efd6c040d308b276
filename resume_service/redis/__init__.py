"""Clients of Redis: connections, topology, timeouts, named failures. No keys of points."""
