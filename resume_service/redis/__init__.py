"""Access to Redis servers: connections, topology, timeouts and errors. It knows no resume points."""
