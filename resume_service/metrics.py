"""Every figure the service publishes, by name. `/metrics` serves them; see `ops/`."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

requests = Histogram(
    "resume_request_seconds",
    "Time to answer a request, by route template; its count is the number of requests.",
    ["method", "route", "status"],
    buckets=LATENCY_BUCKETS,
)
redis_commands = Histogram(
    "resume_redis_seconds",
    "Time of one operation on Redis, failed ones included: one round trip, unless it had to repeat.",
    ["operation"],
    buckets=LATENCY_BUCKETS,
)
redis_failures = Counter(
    "resume_redis_failures",
    "Operations on Redis that failed, and those refused because the last one had.",
    ["operation"],
)
saves = Counter(
    "resume_saves",
    "Saves by result: applied, or ignored because the stored point was measured later.",
    ["result"],
)
refused = Counter(
    "resume_refused",
    "Requests refused, by reason: unauthorized, forbidden.",
    ["reason"],
)
