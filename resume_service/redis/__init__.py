"""Access to Redis servers: connections, topology, timeouts and errors.

This package does not depend on the data that the service stores in Redis.
"""
