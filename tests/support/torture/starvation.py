"""Measures the saves of ordinary viewers beside hostile connections.

    python -m tests.support.torture.starvation [seconds] [--reconnect s] [--only kind,kind]
        [--numbers 1,4,50] [--no-nginx] [--elsewhere] [--sigterm]

Each kind of client attacks one worker directly, and through nginx. Before each attack, the same
viewers work undisturbed. With --elsewhere, the clients attack a second service on the same machine.
This shows how much of a delay comes from the busy cores. With --sigterm, it measures the seconds until an attacked service has ended.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dev.redis_server import RedisServer
from dev.service import Service, free_port
from tests.support.fixtures.servers import running_service
from tests.support.nginx_server import Nginx
from tests.support.torture.crowd import Crowd
from tests.support.torture.hostile_clients import HostileClients
from tests.support.torture.hostile_kinds import NEVER_PAUSING
from tests.support.torture.tally import HEADER, Fault, Tally, percentile

VIEWERS = 4
PAUSE = 0.01
"""Seconds between two saves of a viewer, on average."""
TIMEOUT = 5.0
"""Seconds until a save without a response counts as refused."""
WARM_UP = 0.3
"""Seconds of an attack before the saves begin."""
LIMIT = 5
"""The 99th percentile beside hostile clients may be so many times the undisturbed one."""


@contextlib.contextmanager
def direct_service(folder: Path, **env: str) -> Iterator[Service]:
    """One worker on a Redis of its own, without the proxy."""
    redis = RedisServer(folder / "redis", port=free_port(), save="")
    redis.start()
    try:
        with running_service(folder / "log", redis.url, WEB_CONCURRENCY="1", **env) as service:
            yield service
    finally:
        redis.kill()


def beside(
    crowd: Crowd,
    clients: HostileClients,
    numbers: dict[str, int],
    seconds: float,
    reconnect: float = 0.0,
) -> tuple[Tally, dict[str, int]]:
    """Let the viewers work for `seconds` beside `numbers` of each kind of hostile client.

    Return what the viewers saw, and the counts of the clients.
    """
    with clients.attacking(numbers, reconnect) as counts:
        time.sleep(WARM_UP)
        tally = crowd.run(seconds, pause=PAUSE, saves_only=True)
    return tally, counts


def seconds_to_stop(service: Service, clients: HostileClients, numbers: dict[str, int]) -> float:
    """Send SIGTERM to the master during an attack. Return the seconds until it has ended."""
    with clients.attacking(numbers):
        time.sleep(1.0)
        started = time.monotonic()
        service.signal(signal.SIGTERM)
        service.wait()
        return time.monotonic() - started


class Comparison:
    """Attacks the port `attacked` while viewers use `port`, and prints each result."""

    def __init__(
        self, name: str, port: int, attacked: int, options: argparse.Namespace, position: int
    ) -> None:
        self._name = name
        self._seconds = options.seconds
        self._reconnect = options.reconnect
        self._crowd = Crowd(port, VIEWERS, TIMEOUT, first=1 + position * VIEWERS)
        self._clients = HostileClients(attacked)

    def attack(self, kind: str, number: int) -> None:
        undisturbed = self._crowd.run(self._seconds / 2, pause=PAUSE, saves_only=True)
        numbers = {kind: number}
        tally, counts = beside(self._crowd, self._clients, numbers, self._seconds, self._reconnect)
        # A save without a response counts with its timeout.
        times = tally.seconds + [TIMEOUT] * tally.faults[Fault.REFUSED]
        ratio = percentile(times, 99) / max(percentile(undisturbed.seconds, 99), 1e-6)
        print(undisturbed.row(f"{self._name}: undisturbed"))
        print(tally.row(f"{self._name}: {number} {kind}"))
        is_fair = ratio <= LIMIT and not tally.faults[Fault.REFUSED] and not tally.seconds_503
        print(f"    p99 ratio {ratio:.1f}, {'ok' if is_fair else 'UNFAIR'}, clients: {counts}")
        self._wait_until_it_recovers()

    def _wait_until_it_recovers(self) -> None:
        while self._crowd.run(0.2, pause=PAUSE).faults[Fault.REFUSED]:
            time.sleep(0.2)

    def stop(self) -> None:
        self._clients.stop()


@contextlib.contextmanager
def nginx_before(service: Service, folder: Path) -> Iterator[Nginx]:
    folder.chmod(0o755)  # if root starts nginx, its workers are another user
    with (folder / "nginx.log").open("wb") as log:
        nginx = Nginx(folder, service.port, "5s", log)
        nginx.wait_until_it_listens()
        try:
            yield nginx
        finally:
            nginx.stop()


@contextlib.contextmanager
def running_targets(folder: Path, *, with_nginx: bool) -> Iterator[dict[str, int]]:
    """Start a service. Yield its port as `direct`, and the port of its nginx as `nginx`."""
    folder.mkdir()
    with direct_service(folder) as service, contextlib.ExitStack() as at_end:
        ports = {"direct": service.port}
        if with_nginx:
            ports["nginx"] = at_end.enter_context(nginx_before(service, folder)).port
        yield ports


def compare(options: argparse.Namespace, folder: Path) -> None:
    folder.chmod(0o755)
    with contextlib.ExitStack() as at_end:
        places = [folder / "own", *([folder / "other"] if options.elsewhere else [])]
        started = [running_targets(each, with_nginx=not options.no_nginx) for each in places]
        targets = [at_end.enter_context(each) for each in started]
        for position, (name, port) in enumerate(targets[0].items()):
            comparison = Comparison(name, port, targets[-1][name], options, position)
            at_end.callback(comparison.stop)
            for kind in options.only.split(","):
                for clients in map(int, options.numbers.split(",")):
                    comparison.attack(kind, clients)


def measure_stops(options: argparse.Namespace, folder: Path) -> None:
    for kind in options.only.split(","):
        place = folder / kind
        place.mkdir()
        with direct_service(place) as service:
            clients = HostileClients(service.port)
            seconds = seconds_to_stop(service, clients, {kind: 4})
            clients.stop()
            print(f"SIGTERM beside 4 {kind}: {seconds:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float, nargs="?", default=4.0)
    parser.add_argument("--reconnect", type=float, default=0.0)
    parser.add_argument("--only", default=",".join(NEVER_PAUSING))
    parser.add_argument("--numbers", default="1,4,50")
    parser.add_argument("--no-nginx", action="store_true")
    parser.add_argument("--elsewhere", action="store_true")
    parser.add_argument("--sigterm", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="resume-torture-") as folder:
        if options.sigterm:
            measure_stops(options, Path(folder))
        else:
            print(HEADER)
            compare(options, Path(folder))


if __name__ == "__main__":
    main()
