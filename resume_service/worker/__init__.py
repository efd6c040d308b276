"""The process beside the web servers: `python -m resume_service.worker`."""
