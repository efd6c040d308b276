"""Opens the bytes of a video, from a local file or from another server (an "origin").

This package uses neither SQL nor Flask.
"""
