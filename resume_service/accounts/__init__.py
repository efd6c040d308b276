"""Companies, users and sign-in.

Only `routes/`, `schemas/` and `permissions.py` import Flask or marshmallow.
"""
