"""`make bench-streams`: the effect of 50 slow streams on the latency of saves.

The service runs as in production, with two workers, Redis, Postgres and an origin on loopback. Each
stream reads 128 KiB per second, as for a film of one megabit per second. The video is longer than
the measurement. Saves come from independent viewers (`latency.py`), first without streams.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import psycopg

from bench import latency
from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.service import ROOT, Service
from resume_service.postgres import migrate

SECRET = "a secret of the bench, 32 bytes or more"  # noqa: S105 - only for this run
STREAMS = int(os.environ.get("BENCH_STREAMS") or 50)
RATE = float(os.environ.get("BENCH_RATE") or 200)
"""Saves per second."""
SECONDS = float(os.environ.get("BENCH_SECONDS") or 10)
ROUNDS = int(os.environ.get("BENCH_ROUNDS") or 3)
LIMIT_MS = 50.0
"""Limit for the p99 of saves."""
VIDEO_BYTES = 1 << 40
CHUNK = 64 * 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        server = RedisServer(Path(folder) / "redis", config=ROOT / "deploy" / "redis.conf")
        postgres = PostgresServer(Path(folder) / "postgres")
        origin = subprocess.Popen(
            [sys.executable, "-m", "bench.streams", "origin"], cwd=ROOT, stdout=subprocess.PIPE
        )
        running.callback(origin.wait)
        running.callback(origin.kill)
        server.start()
        running.callback(server.kill)
        postgres.start()
        running.callback(postgres.stop)
        migrate.upgrade(postgres.url)
        port = int((origin.stdout or sys.stdin.buffer).readline())
        service = Service(
            Path(folder) / "service.log",
            REDIS_URL=server.url,
            DATABASE_URL=postgres.url,
            JWT_SECRET=SECRET,
            WEB_CONCURRENCY="2",
            STREAM_ALLOWED_HOSTS=f"127.0.0.1:{port}",
        )
        service.start()
        running.callback(service.kill)
        _measure(service, _video(postgres, port))


def _measure(service: Service, video: int) -> None:
    _say(f"{STREAMS} streams, {RATE:.0f} saves/s, {SECONDS:.0f} s, {ROUNDS} rounds; ms")
    latency.measure(service.port, _saves(), RATE, 2)  # warm up
    alone, beside = [], []
    for _ in range(ROUNDS):
        alone.append(latency.measure(service.port, _saves(), RATE, SECONDS))
        with _streaming(service.port, video) as received:
            before = _memory(service.pid)
            received.clear()
            beside.append(latency.measure(service.port, _saves(), RATE, SECONDS))
            megabytes = sum(received) / 1e6 / SECONDS
            grown = (_memory(service.pid) - before) / 1e6
        _say(f"  streamed {megabytes:.1f} MB/s, memory of both workers grew by {grown:.1f} MB")
    for name, rounds in (("alone", alone), ("beside streams", beside)):
        figures = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        _say(f"{name:16}" + "".join(f"{key:>15} {value:6.2f}" for key, value in figures.items()))
    worst = max(each["p99"] for each in beside)
    if worst > LIMIT_MS:
        sys.exit(f"p99 beside streams was {worst:.1f} ms in a round: above {LIMIT_MS:.0f} ms")


def _memory(master: int) -> int:
    """Resident memory of the workers in bytes (man 5 proc_pid_statm)."""
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    pages = (int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in workers)
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def _streaming(port: int, video: int) -> Iterator[list[int]]:
    """Run STREAMS viewers in this context. Yields a list that gets the bytes of each read."""
    received: list[int] = []
    over, playing = threading.Event(), threading.Barrier(STREAMS + 1)

    def watch() -> None:
        with socket.create_connection(("127.0.0.1", port)) as viewer:
            viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)
            while True:  # retry after a 503
                viewer.sendall(_request(f"GET /v1/videos/stream/{video}", "backend", "service"))
                if viewer.recv(CHUNK).startswith(b"HTTP/1.1 200"):
                    break
            playing.wait()
            while not over.wait(0.5):
                received.append(len(viewer.recv(CHUNK)))

    threads = [threading.Thread(target=watch) for _ in range(STREAMS)]
    for each in threads:
        each.start()
    playing.wait()
    try:
        yield received
    finally:
        over.set()
        for each in threads:
            each.join()


def _saves() -> list[bytes]:
    body = '{"clerkId":"%s","tmdbId":"%d","currentTime":60,"duration":5400}'
    return [
        _request("POST /api/progress", f"user-{number}", "guest", body % (f"user-{number}", number))
        for number in range(200)
    ]


def _request(target: str, user: str, role: str, body: str = "") -> bytes:
    """A request to `target`, such as "POST /api/progress", with a token of `user`."""
    claims = {"sub": user, "role": role, "exp": int(time.time()) + 3600}
    lines = [
        f"{target} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {jwt.encode(claims, SECRET, 'HS256')}",
        *(["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []),
    ]
    return "\r\n".join([*lines, "", body]).encode()


def _video(postgres: PostgresServer, port: int) -> int:
    insert = (
        "INSERT INTO videos (name, kind, published, file_path) VALUES ('v', 'video', true, %s)"
        " RETURNING id"
    )
    with psycopg.connect(postgres.url, autocommit=True) as sql:
        row = sql.execute(insert, (f"http://127.0.0.1:{port}/v.mp4",)).fetchone()
    return int(row[0]) if row else 0


def _origin() -> None:
    """Serve an endless video. Runs in its own process."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    _say(str(listener.getsockname()[1]))
    chunk = os.urandom(CHUNK)

    def serve(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.recv(CHUNK)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {VIDEO_BYTES}\r\n\r\n"
            client.sendall(head.encode())
            while True:
                client.sendall(chunk)

    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _origin() if sys.argv[1:] == ["origin"] else main()
