"""The three APIs of a resume point: one module each here and in `../schemas`.

A further API also goes into BLUEPRINTS of `resume_service/__init__.py`, and into FAST_ROUTES there
if players poll it.
"""
