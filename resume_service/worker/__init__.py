"""The background process that archives points: `python -m resume_service.worker`."""
