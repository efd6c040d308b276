"""The gunicorn worker of the service."""
