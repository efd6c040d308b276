"""Resume points: the position at which a user can continue a video.

This package contains the rules of a save, the store in Redis, and the three APIs.
"""
