"""The background process: `python -m resume_service.worker`."""
