"""compose.yaml and deploy/redis.conf: what they name exists and says what it must."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from dev.redis_server import RedisServer
from dev.service import ROOT
from resume_service.archive.cycle import TIMEOUT_SECONDS
from resume_service.settings import Settings
from resume_service.worker.loop import LAST_SECONDS
from tests.support.fixtures.servers import REAL_SERVERS

OURS = ("web", "worker", "migrations")
"""The parts that run the image of the service."""
REDIS_CONFIG = ROOT / "deploy" / "redis.conf"


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def parts(compose) -> Any:
    return compose["services"]


def seconds(text: str) -> int:
    return int(re.fullmatch(r"(\d+)s", text)[1])


def test_each_environment_name_is_a_setting(parts):
    settings = {field.name.upper() for field in dataclasses.fields(Settings)}

    for name in OURS:
        assert parts[name]["environment"].keys() <= settings


def test_settings_come_from_the_env_file_without_which_nothing_starts(parts):
    for name in OURS:
        assert parts[name]["env_file"] == ".env"
        assert "JWT_SECRET" not in parts[name]["environment"]


def test_each_part_is_an_image_or_built_from_the_dockerfile_here(parts):
    assert {name for name, part in parts.items() if part.get("build") == "."} == set(OURS)
    assert (ROOT / "Dockerfile").is_file()
    assert all("image" in part for part in parts.values())
    assert {parts[name]["image"] for name in OURS} == {"resume-service"}


def test_each_file_mounted_exists_and_can_not_be_written(parts):
    mounts = [mount for part in parts.values() for mount in part.get("volumes", [])]
    files = [mount.split(":") for mount in mounts if mount.startswith("./")]

    assert {source for source, *_ in files} == {"./deploy/nginx.conf", "./deploy/redis.conf"}
    assert all((ROOT / source).is_file() and mode == "ro" for source, _target, mode in files)


@pytest.mark.parametrize(
    ("part", "data"), [("redis", "/data"), ("postgres", "/var/lib/postgresql")]
)
def test_the_data_of_both_stores_is_on_named_volumes(compose, parts, part, data):
    (mount,) = [m for m in parts[part]["volumes"] if not m.startswith("./")]
    name, folder = mount.split(":")

    assert name in compose["volumes"]
    assert folder == data


def test_redis_reads_the_configuration_mounted(parts):
    assert f"./deploy/redis.conf:{parts['redis']['command'][1]}:ro" in parts["redis"]["volumes"]


def test_only_nginx_is_published_and_only_the_service_reaches_the_stores(compose, parts):
    assert [name for name, part in parts.items() if "ports" in part] == ["nginx"]
    assert parts["redis"]["networks"] == parts["postgres"]["networks"] == ["back"]
    assert compose["networks"]["back"]["internal"]
    assert {name for name, part in parts.items() if "back" in part["networks"]} == {
        *OURS,
        "redis",
        "postgres",
    }


def test_each_part_starts_when_what_it_needs_is_healthy(parts):
    needs = {name: part.get("depends_on", {}) for name, part in parts.items()}

    assert {name: list(needed) for name, needed in needs.items()} == {
        "nginx": ["web"],
        "web": ["redis", "migrations"],
        "worker": ["redis", "migrations"],
        "migrations": ["postgres"],
        "postgres": [],
        "redis": [],
    }
    for needed in needs.values():
        for name, one in needed.items():
            ended = "service_completed_successfully"
            assert one["condition"] == (ended if name == "migrations" else "service_healthy")


def test_each_part_has_a_health_check(parts):
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
    assert [name for name, part in parts.items() if "healthcheck" not in part] == ["web"]


def test_each_part_is_confined(parts):
    for part in parts.values():
        assert part["read_only"]
        assert part["cap_drop"] == ["ALL"]
        assert part["security_opt"] == ["no-new-privileges:true"]
        is_done_once = part is parts["migrations"]
        assert part["restart"] == ("on-failure" if is_done_once else "unless-stopped")


def test_docker_waits_longer_than_the_workers_last_flush_may_take(parts):
    assert seconds(parts["worker"]["stop_grace_period"]) > LAST_SECONDS + TIMEOUT_SECONDS


def test_docker_waits_longer_than_gunicorn_gives_requests_under_way(parts):
    configured = re.search(
        r"^graceful_timeout = (\d+)", (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE
    )

    assert seconds(parts["web"]["stop_grace_period"]) > int(configured[1])


def test_nginx_closes_idle_connections_before_gunicorn_does():
    gunicorn = re.search(
        r"^keepalive = (\d+)", (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE
    )
    upstream = re.search(
        r"upstream .*?keepalive_timeout (\d+)s",
        (ROOT / "deploy" / "nginx.conf").read_text(),
        re.DOTALL,
    )

    assert int(upstream[1]) < int(gunicorn[1])


def docker_compose(*words: str, **given: Any) -> subprocess.CompletedProcess[str]:
    command = ["docker", "compose", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, **given)


def test_docker_accepts_the_file(tmp_path):
    if not shutil.which("docker") or docker_compose("version").returncode:
        pytest.skip("Docker with its compose plugin is not installed here")
    (tmp_path / ".env").write_text("JWT_SECRET=a secret of the tests, 32 bytes or more\n")
    for file in ("compose.yaml", "Dockerfile"):
        shutil.copy(ROOT / file, tmp_path)
    checked = docker_compose("config", "--quiet", cwd=tmp_path)

    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.fixture(params=REAL_SERVERS)
def configured_redis(request, tmp_path) -> Any:
    """A Redis of each kind there is, started with deploy/redis.conf."""
    binary = REAL_SERVERS[request.param]
    if binary is None:
        pytest.skip(f"{request.param} is not installed here")
    server = RedisServer(tmp_path, binary=binary, config=REDIS_CONFIG)
    server.start()
    yield server
    if server.is_running():
        server.kill()


def test_redis_keeps_every_point_and_writes_each_save_to_disk(configured_redis):
    in_force = configured_redis.client.config_get("*")

    assert in_force["appendonly"] == "yes"
    assert in_force["appendfsync"] == "always"
    assert in_force["maxmemory-policy"] == "noeviction"
    assert in_force["save"] == ""


def test_redis_has_what_it_acknowledged_after_it_was_killed(configured_redis):
    configured_redis.client.hset("resume:ann:v1", "currentTime", 60)
    configured_redis.kill()
    configured_redis.start()

    assert configured_redis.client.hgetall("resume:ann:v1") == {"currentTime": "60"}
