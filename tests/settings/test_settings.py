"""A wrong setting stops the start, with one line that has its name, its value and accepted values."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from dev.service import ROOT
from resume_service.settings import Settings, SettingsError
from tests.support.tokens import SECRET

GOOD = {"JWT_SECRET": SECRET}


def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_example_file_lists_exactly_the_settings():
    assert set(example()) == {field.name.upper() for field in fields(Settings)}


def test_example_file_shows_the_defaults():
    assert Settings.from_env(example() | GOOD) == Settings.from_env(GOOD)
    for field in fields(Settings):
        shown = example()[field.name.upper()]
        if field.name == "redis_url":  # empty, because `make run` starts its own Redis
            assert shown == ""
            continue
        is_empty = field.default in (None, ())
        is_flag = isinstance(field.default, bool)
        text = str(field.default).lower() if is_flag else str(field.default)
        expected = "" if is_empty else text
        assert shown == expected, field.name


def test_empty_variable_counts_as_absent():
    assert Settings.from_env(GOOD | {"RESUME_TTL_DAYS": " "}).resume_ttl_days == 30


def test_values_are_parsed_to_their_types():
    settings = Settings.from_env(
        GOOD
        | {
            "CORS_ORIGINS": "https://a.example, http://localhost:3000",
            "JWT_TRUST_CLAIMS": "TRUE",
            "LOG_LEVEL": "WARNING",
            "SIGNUP_PLAN": "paid",
            "JWT_AUTHORIZED_PARTIES": "web,,tv ",
        }
    )

    assert settings.cors_origins == ("https://a.example", "http://localhost:3000")
    assert settings.jwt_trust_claims is True
    assert settings.log_level == "warning"
    assert settings.signup_plan == "PAID"
    assert settings.jwt_authorized_parties == ("web", "tv")


@pytest.mark.parametrize(
    "address",
    [
        "redis://:secret@h:6380/2",
        "rediss://h?ssl_ca_certs=/ca.pem",
        "unix:///run/redis.sock?db=1",
        "redis://[::1]:6379",
        "redis+sentinel://h1:26379,h2:26379,h3/mymaster",
        "redis+sentinel://me:pass%2Cword@h1,[::1]:26380/mymaster/2?sentinel_password=s",
    ],
)
def test_valid_redis_url_is_accepted_unchanged(address):
    assert Settings.from_env(GOOD | {"REDIS_URL": address}).redis_url == address


WRONG = [
    ("REDIS_URL", "localhost:6379", "redis://"),
    ("REDIS_URL", "http://localhost", "redis://"),
    ("REDIS_TIMEOUT_MS", "0.3", "milliseconds from 10 to 450"),
    ("REDIS_TIMEOUT_MS", "5000", "milliseconds from 10 to 450"),
    ("DATABASE_URL", "mysql://h/d", "postgresql://"),
    ("JWT_SECRET", "short", "at least 32 bytes"),
    ("JWT_JWKS_URL", "file:///etc/passwd", "https://"),
    ("JWT_TRUST_CLAIMS", "yes", "true or false"),
    ("SIGNUP_PLAN", "gold", "one of FREE, PAID"),
    ("RESUME_TTL_DAYS", "0", "days from 1"),
    ("RESUME_TTL_DAYS", "٣", "days from 1"),
    ("RESUME_MAX_POINTS", "-1", "points from 1"),
    ("RESUME_MAX_POINTS", "1e3", "points from 1"),
    ("WATCHED_PERCENT", "101", "percent from 1 to 100"),
    ("RESUME_EVERY_SECONDS", "4", "seconds from 5 to 60"),
    ("RESUME_EVERY_SECONDS", "61", "seconds from 5 to 60"),
    ("CORS_ORIGINS", "example.com", "origins such as"),
    ("CORS_ORIGINS", "https://example.com/", "origins such as"),
    ("CORS_ORIGINS", "https://*.example.com", "origins such as"),
    ("CORS_ORIGINS", "https://a?b", "origins such as"),
    ("CORS_ORIGINS", "https://[", "origins such as"),
    ("CORS_ORIGINS", ",", "one or more values"),
    ("JWT_AUTHORIZED_PARTIES", ",", "one or more values"),
    ("REDIS_URL", "redis://localhost:abc", "redis://"),
    ("REDIS_URL", "redis://localhost:99999", "redis://"),
    ("REDIS_URL", "redis://[", "redis://"),
    ("REDIS_URL", "redis://h?socket_timeout=30", "leaves time-outs"),
    ("REDIS_URL", "redis://h?db=x", "options redis-py knows"),
    ("REDIS_URL", "redis://h1,:6379", "redis://"),
    ("REDIS_URL", "redis+sentinel://h:26379", "/service"),
    ("REDIS_URL", "redis+sentinel:///mymaster", "/service"),
    ("REDIS_URL", "redis+sentinel://h1,h2:x/mymaster", "/service"),
    ("REDIS_URL", "redis+sentinel://h/mymaster/one", "/service"),
    ("REDIS_URL", "redis+sentinel://h/mymaster/0/more", "/service"),
    ("REDIS_URL", "redis+sentinel://h/mymaster?socket_timeout=9", "leaves time-outs"),
    ("REDIS_CLUSTER", "yes", "true or false"),
    ("RESUME_WAIT_REPLICAS", "6", "replicas from 0 to 5"),
    ("JWT_JWKS_URL", "https://", "https://"),
    ("JWT_JWKS_URL", "https://[", "https://"),
    ("DATABASE_URL", "postgresql://[", "postgresql://"),
    ("PORT", "9" * 5000, "from 1 to 65535"),
    ("PORT", "80000", "from 1 to 65535"),
    ("WEB_CONCURRENCY", "many", "processes from 1"),
    ("LOG_LEVEL", "loud", "one of debug, info, warning, error"),
]


@pytest.mark.parametrize(("name", "value", "takes"), WRONG)
def test_wrong_value_is_named_with_the_accepted_values(name, value, takes):
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(GOOD | {name: value})

    line = str(refused.value)
    assert line.startswith(f"{name} holds ")
    assert takes in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "address",
    [
        "redis://h1:7000,h2:7000,h3",
        "rediss://me:word@h1,h2:6380/0?ssl_ca_certs=/ca.pem",
        "redis://h",
    ],
)
def test_cluster_accepts_addresses_of_its_nodes(address):
    settings = Settings.from_env(GOOD | {"REDIS_CLUSTER": "true", "REDIS_URL": address})

    assert (settings.redis_url, settings.redis_cluster) == (address, True)


@pytest.mark.parametrize(
    ("cluster", "address", "says"),
    [
        ("true", "redis://h/1", "names a db"),
        ("true", "redis://h1,h2?db=2", "names a db"),
        ("true", "unix:///run/redis.sock", "not a redis:// or rediss://"),
        ("true", "redis+sentinel://h/mymaster", "not a redis:// or rediss://"),
        ("false", "redis://h1,h2", "takes REDIS_CLUSTER=true"),
    ],
)
def test_redis_url_that_does_not_fit_redis_cluster_is_refused(cluster, address, says):
    with pytest.raises(SettingsError, match=says) as refused:
        Settings.from_env(GOOD | {"REDIS_CLUSTER": cluster, "REDIS_URL": address})

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["JWT_SECRET", "REDIS_URL", "DATABASE_URL"])
def test_wrong_secret_is_not_shown(name):
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(GOOD | {name: "hunter2"})

    assert "hunter2" not in str(refused.value)


def test_printed_settings_show_no_secrets():
    given = {"REDIS_URL": "redis://:hunter2@h", "DATABASE_URL": "postgresql://u:hunter2@h/d"}

    printed = repr(Settings.from_env(GOOD | given))

    assert "hunter2" not in printed
    assert SECRET not in printed


def test_settings_without_secret_and_jwks_url_are_refused():
    with pytest.raises(SettingsError, match="JWT_SECRET and JWT_JWKS_URL are both empty"):
        Settings.from_env({})


@pytest.mark.parametrize("command", [["gunicorn"], ["flask", "token", "ann"]])
def test_every_start_command_prints_one_line_and_fails(command):
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={"PATH": str(Path(sys.executable).parent), "JWT_SECRET": "short"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "resume-service: JWT_SECRET holds a value of 5 characters: it takes at least 32 bytes"
    ]
