"""One connection to a Redis server, on gevent's event loop.

It checks that a reply belongs to its command: see `redis/replies.py`.
"""
