"""compose.yaml and deploy/redis.conf: valid names, safe limits and the promised durability."""

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
from resume_service.server import limits
from resume_service.settings import Settings
from resume_service.worker.loop import FINAL_FLUSH_SECONDS
from tests.support.fixtures.servers import REAL_SERVERS

OURS = ("web", "worker", "migrations")
"""The services of compose.yaml that run our image."""
REDIS_CONFIG = ROOT / "deploy" / "redis.conf"


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def parts(compose) -> Any:
    return compose["services"]


def seconds(text: str) -> int:
    return int(re.fullmatch(r"(\d+)s", text)[1])


def test_each_environment_variable_is_a_setting(parts):
    settings = {field.name.upper() for field in dataclasses.fields(Settings)}

    for name in OURS:
        assert parts[name]["environment"].keys() <= settings


def test_the_secret_comes_from_the_required_env_file(parts):
    for name in OURS:
        assert parts[name]["env_file"] == ".env"
        assert "JWT_SECRET" not in parts[name]["environment"]


def test_our_parts_are_built_from_the_dockerfile_and_others_are_images(parts):
    assert {name for name, part in parts.items() if part.get("build") == "."} == set(OURS)
    assert (ROOT / "Dockerfile").is_file()
    assert all("image" in part for part in parts.values())
    assert {parts[name]["image"] for name in OURS} == {"resume-service"}


def test_each_mounted_file_exists_and_is_read_only(parts):
    mounts = [mount for part in parts.values() for mount in part.get("volumes", [])]
    files = [mount.split(":") for mount in mounts if mount.startswith("./")]

    assert {source for source, *_ in files} == {"./deploy/nginx.conf", "./deploy/redis.conf"}
    assert all((ROOT / source).is_file() and mode == "ro" for source, _target, mode in files)


@pytest.mark.parametrize(
    ("part", "data"), [("redis", "/data"), ("postgres", "/var/lib/postgresql")]
)
def test_the_data_of_redis_and_postgres_is_on_named_volumes(compose, parts, part, data):
    (mount,) = [m for m in parts[part]["volumes"] if not m.startswith("./")]
    name, folder = mount.split(":")

    assert name in compose["volumes"]
    assert folder == data


def test_redis_reads_the_mounted_configuration(parts):
    assert f"./deploy/redis.conf:{parts['redis']['command'][1]}:ro" in parts["redis"]["volumes"]


def test_only_nginx_is_published_and_only_our_parts_reach_redis_and_postgres(compose, parts):
    assert [name for name, part in parts.items() if "ports" in part] == ["nginx"]
    assert parts["redis"]["networks"] == parts["postgres"]["networks"] == ["back"]
    assert compose["networks"]["back"]["internal"]
    assert {name for name, part in parts.items() if "back" in part["networks"]} == {
        *OURS,
        "redis",
        "postgres",
    }


def test_each_part_starts_after_its_dependencies_are_healthy(parts):
    dependencies = {name: part.get("depends_on", {}) for name, part in parts.items()}

    assert {name: list(needed) for name, needed in dependencies.items()} == {
        "nginx": ["web"],
        "web": ["redis", "migrations"],
        "worker": ["redis", "migrations"],
        "migrations": ["postgres"],
        "postgres": [],
        "redis": [],
    }
    for needed in dependencies.values():
        for name, dependency in needed.items():
            ended = "service_completed_successfully"
            assert dependency["condition"] == (ended if name == "migrations" else "service_healthy")


def test_each_part_has_a_health_check(parts):
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
    assert [name for name, part in parts.items() if "healthcheck" not in part] == ["web"]


def test_health_checks_need_no_recent_docker(parts):
    """Docker before 25 refuses `start_interval`, and so does buildah 1.28."""
    options = {"test", "interval", "timeout", "start_period", "retries", "disable"}
    in_dockerfile = re.findall(r"--([a-z-]+)=", (ROOT / "Dockerfile").read_text())

    assert {name for part in parts.values() for name in part.get("healthcheck", {})} <= options
    assert {name.replace("-", "_") for name in in_dockerfile} - {"from"} <= options


def test_each_part_is_read_only_without_privileges_and_restarts(parts):
    for part in parts.values():
        assert part["read_only"]
        assert part["cap_drop"] == ["ALL"]
        assert part["security_opt"] == ["no-new-privileges:true"]
        runs_once = part is parts["migrations"]
        assert part["restart"] == ("on-failure" if runs_once else "unless-stopped")


def test_docker_waits_longer_than_the_last_flush_of_the_worker(parts):
    assert seconds(parts["worker"]["stop_grace_period"]) > FINAL_FLUSH_SECONDS + TIMEOUT_SECONDS


def test_docker_waits_longer_than_the_graceful_timeout_of_gunicorn(parts):
    configured = re.search(
        r"^graceful_timeout = (\d+)", (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE
    )

    assert seconds(parts["web"]["stop_grace_period"]) > int(configured[1])


def test_nginx_closes_idle_connections_before_gunicorn_does():
    upstream = re.search(
        r"upstream .*?keepalive_timeout (\d+)s",
        (ROOT / "deploy" / "nginx.conf").read_text(),
        re.DOTALL,
    )

    assert int(upstream[1]) < limits.IDLE_SECONDS


def docker_compose(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = ["docker", "compose", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_docker_compose_accepts_the_file(tmp_path):
    if not shutil.which("docker") or docker_compose("version").returncode:
        pytest.skip("Docker with its compose plugin is not installed here")
    (tmp_path / ".env").write_text("JWT_SECRET=a secret of the tests, 32 bytes or more\n")
    for file in ("compose.yaml", "Dockerfile"):
        shutil.copy(ROOT / file, tmp_path)
    checked = docker_compose("config", "--quiet", cwd=tmp_path)

    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.fixture(params=REAL_SERVERS)
def configured_redis(request, tmp_path) -> Any:
    """A Redis with deploy/redis.conf; the test runs once with each kind."""
    binary = REAL_SERVERS[request.param]
    if binary is None:
        pytest.skip(f"{request.param} is not installed here")
    server = RedisServer(tmp_path, binary=binary, config=REDIS_CONFIG)
    server.start()
    yield server
    if server.is_running():
        server.kill()


def test_redis_evicts_no_key_and_syncs_each_write_to_disk(configured_redis):
    config = configured_redis.client.config_get("*")

    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "always"
    assert config["maxmemory-policy"] == "noeviction"
    assert config["save"] == ""


def test_a_killed_redis_has_every_acknowledged_write_after_a_restart(configured_redis):
    configured_redis.client.hset("resume:ann:v1", "currentTime", 60)
    configured_redis.kill()
    configured_redis.start()

    assert configured_redis.client.hgetall("resume:ann:v1") == {"currentTime": "60"}
