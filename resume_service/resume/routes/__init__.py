"""The three APIs of resume points. Each API has a module here and a module in `../schemas`.

To add an API, also add its blueprint to BLUEPRINTS in `resume_service/__init__.py`. If players call
the API every few seconds, add its routes to FAST_ROUTES in the same file.
"""
