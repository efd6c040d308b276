"""The subscriptions and leases of open streams stay, also after errors and at the same moment."""

from __future__ import annotations

import threading

from resume_service.live import maintenance as module
from resume_service.live.leases import LeaseState
from resume_service.live.maintenance import Maintenance
from resume_service.live.stream import LiveStream
from resume_service.live.subscriptions import Subscriptions
from resume_service.redis.servers import OneServer
from resume_service.redis.subscription import Subscription
from tests.support.eventually import eventually

CHANNEL = "live:ann"


class BrokenOnce(OneServer):
    """Raises an unexpected error at the first check."""

    is_broken = True

    def nodes(self):
        if self.is_broken:
            self.is_broken = False
            raise RuntimeError("dictionary changed size during iteration")
        return super().nodes()


class RecordedLeases:
    def __init__(self):
        self.renewed = []

    def renew(self, leases):
        self.renewed += leases
        return [LeaseState.RENEWED] * len(leases)
        yield


def test_leases_are_renewed_after_an_unexpected_error(real_redis, monkeypatch):
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.0)
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.01)
    servers, leases = BrokenOnce(real_redis), RecordedLeases()
    maintenance = Maintenance(servers, leases, {}, lambda *_: None, lambda _: None)
    stream = LiveStream("ann", (CHANNEL, "1"), 0, lambda _: None, lambda _: None)
    maintenance.add(stream)
    maintenance.start()
    eventually(lambda: len(leases.renewed) > 3)
    maintenance.stop()

    assert not servers.is_broken
    assert set(leases.renewed) == {stream.lease}


def test_a_stream_that_opens_while_its_channel_is_removed_gets_its_changes(real_redis, monkeypatch):
    """SUBSCRIBE is sent, and the UNSUBSCRIBE of the former stream follows before its reply."""
    received = []
    subscriptions = Subscriptions(
        OneServer(real_redis), lambda *message: received.append(message), lambda _: True
    )
    subscribe, unsubscribe = Subscription.subscribe, Subscription.unsubscribe
    starts, is_removed = threading.Event(), threading.Event()

    def subscribed_then_removed(link, channels):
        subscribe(link, channels)
        starts.set()
        is_removed.wait(10)

    def removed_late(link, channel):
        opening.start()
        starts.wait(10)
        unsubscribe(link, channel)
        is_removed.set()

    subscriptions.add(CHANNEL)
    opening = threading.Thread(target=subscriptions.add, args=[CHANNEL])
    monkeypatch.setattr(Subscription, "subscribe", subscribed_then_removed)
    monkeypatch.setattr(Subscription, "unsubscribe", removed_late)
    subscriptions.drop(CHANNEL)
    subscriptions.check()
    opening.join()
    monkeypatch.undo()
    subscriptions.check()
    real_redis.publish(CHANNEL, "v1")
    eventually(lambda: received)
    subscriptions.close()

    assert received == [(CHANNEL, "v1")]
