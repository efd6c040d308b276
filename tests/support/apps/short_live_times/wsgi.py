"""The application of `wsgi.py` with short times of live streams.

gunicorn loads it with `--pythonpath tests/support/apps/short_live_times`.
"""

import gc
import os
from pathlib import Path

from greenlet import greenlet

from resume_service import create_app
from resume_service.live import leases, maintenance, streams
from resume_service.server.event_connection import EventConnection
from resume_service.settings import Settings

streams.HEARTBEAT_SECONDS = 0.3
leases.LEASE_SECONDS = 2
maintenance.RENEW_SECONDS = 0.5
app = create_app(Settings.from_env(os.environ))


def leftovers() -> dict[str, int]:
    """What a stream or an outage could leave behind in this process."""
    live = app.extensions["resume_service"].get(streams.LiveStreams)
    gc.collect()
    running = live._running
    return {
        "greenlets": sum(isinstance(each, greenlet) and not each.dead for each in gc.get_objects()),
        "streams": len(live._heartbeats),
        "users": len(live._streams),
        "leases": len(running.maintenance._renewed),
        "due": len(running.reader._due) + len(running.reader._lists),
        "channels": len(running.maintenance.subscriptions._channels),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "sockets": sum(isinstance(each, EventConnection) for each in gc.get_objects()),
    }


app.add_url_rule("/leftovers", view_func=leftovers)
