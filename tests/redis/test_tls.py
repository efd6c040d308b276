"""A Redis with TLS serves pooled connections and connections of pipelines."""

from __future__ import annotations

from resume_service.redis.client import new_client
from tests.support.timed_pipeline import TimedPipeline


def test_each_new_connection_of_a_pool_is_usable(tls_redis):
    assert [new_client(tls_redis.tls_url, 5).ping() for _ in range(30)] == [True] * 30


def test_blocking_pipeline_reconnects_after_a_lost_connection(tls_redis):
    pipeline = TimedPipeline(new_client(tls_redis.tls_url, 5))
    for word in ("a", "b", "c"):
        assert pipeline.call("get", ("ECHO", word)) == [word]

        tls_redis.client.client_kill_filter(_type="normal", skipme=True)
