"""The limits and times of live streams."""

from __future__ import annotations

STREAMS_PER_USER = 8
"""Maximum number of open streams of a user, in all processes together."""
LISTED = 20
"""Number of points in the event `points`."""
WAITING_VIDEOS = 20
"""Maximum number of changed videos that wait for a stream. If more wait, it gets `points`."""
EVENT_SECONDS = 1.0
"""Minimum seconds between two events for the same video, and between two events `points`."""
HEARTBEAT_SECONDS = 15.0
"""Seconds without an event after which a stream gets a comment, so that proxies keep it open."""
HEARTBEATS_AT_ONCE = 200
"""Maximum number of these comments that a process sends at once, so that saves do not wait."""
LEASE_SECONDS = 20
"""Seconds after which a stream of a killed process no longer counts as open."""
RENEW_SECONDS = 5.0
"""Seconds after which a process renews the lease of a stream."""
CHECK_SECONDS = 0.25
"""Seconds between two checks of the subscriptions and leases."""
RENEWED_AT_ONCE = 100
"""Maximum number of leases that are renewed in one round trip."""
LISTS_AT_ONCE = 8
"""Maximum number of users for which a process reads the points at the same time.

After an outage, all streams need them. More at the same time would delay saves.
"""
POINTS_AT_ONCE = 100
"""Maximum number of changed points that a process reads in one round trip."""
STOP_SECONDS = 0.5
"""Maximum seconds to remove the leases at a stop. Leases that remain end by themselves."""
