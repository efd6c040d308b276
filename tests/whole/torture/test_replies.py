"""Each response is the viewer's own, whatever happens between the service and Redis."""

from __future__ import annotations

import asyncio

from tests.support.torture import mix_ups
from tests.support.torture.tally import Tally
from tests.support.torture.viewer import CheckingViewer

STRIDE = {"request": 3, "reply": 1}
"""Bytes from one cut to the next. A command has many bytes of the same kind."""


def test_no_stray_or_repeated_reply_reaches_a_wrong_caller(torture):
    before = torture.proxy.counts()

    tally = mix_ups.measure(torture, 5_000, probability=0.002)

    assert tally.never() == {}, tally.examples
    assert tally.seen["ok"] > 1_000
    after = torture.proxy.counts()
    assert all(after[kind] > before.get(kind, 0) for kind in ("stray", "duplicate"))


def test_a_cut_at_any_byte_of_a_command_or_reply_loses_no_acknowledged_save(torture):
    """After one cut the service repeats the command. After two cuts the viewer gets a 503."""
    proxy, tally = torture.proxy, Tally()
    before = proxy.counts()
    cuts = 0

    async def watch() -> None:
        nonlocal cuts
        viewer = CheckingViewer(1, torture.service.port, tally)
        point = f"{viewer.user}:v1"
        proxy.watch(point)
        for _ in range(2):  # the first save also sends the script
            await viewer.save("v1")
        for step in (viewer.save, viewer.read):
            await step("v1")
            sizes = proxy.last_sizes()
            for side, size in sizes.items():
                for at in range(0, size, STRIDE[side]):
                    proxy.cut((side, at), token=point)
                    await step("v1")
                    cuts += 1
        for at in range(5):
            proxy.cut(("reply", at), ("reply", at), token=point)
            await viewer.save("v1")
            await viewer.verify()
        viewer.close()

    asyncio.run(watch())
    after = proxy.counts()

    assert tally.never() == {}, tally.examples
    assert tally.seen["ok"] > cuts > 100
    faults = sum(after[kind] - before.get(kind, 0) for kind in ("cut_request", "cut_reply"))
    assert faults >= cuts
