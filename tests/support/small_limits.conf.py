"""The settings of gunicorn with small limits, so that tests reach them quickly."""

from pathlib import Path

from resume_service.server import limits

limits.REQUEST_SECONDS = 1.0
limits.SEND_SECONDS = 60.0
limits.LINGER_SECONDS = 1.0
limits.MAX_CONNECTIONS = 5

production = Path("gunicorn.conf.py")
exec(compile(production.read_text(), production, "exec"))
