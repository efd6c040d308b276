"""Videos, their files, streams and view logs.

Only `routes/` and `schemas/` import Flask or marshmallow.
"""
