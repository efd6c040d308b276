"""Password hashing: slow by design, in threads, so that other greenlets do not wait."""

from __future__ import annotations

import subprocess
import sys

from dev.service import ROOT
from resume_service.accounts import passwords

COUNT_TURNS_WHILE_HASHING = """
from gevent import monkey
monkey.patch_all()
import gevent
from argon2 import PasswordHasher
from resume_service.accounts import passwords

passwords._hasher = PasswordHasher(time_cost=20, memory_cost=19_456, parallelism=1)
hashing = [gevent.spawn(passwords.hash_password, "correct horse") for _ in range(3)]
turns = 0
while not all(each.ready() for each in hashing):
    gevent.sleep(0.001)
    turns += 1
print(turns, all(each.value.startswith("$argon2id$") for each in hashing))
"""


def test_other_greenlets_run_while_passwords_are_hashed():
    script = [sys.executable, "-c", COUNT_TURNS_WHILE_HASHING]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True)
    turns, are_hashes = done.stdout.split()

    assert are_hashes == "True"
    assert int(turns) > 20  # 0 or 1 if hashing blocks the event loop


def test_a_password_matches_only_a_hash_of_itself():
    stored = passwords.hash_password("correct horse")

    assert passwords.matches(stored, "correct horse")
    assert not passwords.matches(stored, "Correct horse")
    assert not passwords.matches(passwords.dummy_hash(), "")
    assert not passwords.matches("no hash at all", "correct horse")
    assert not passwords.matches(passwords.hash_password("????????"), "\ud800" * 8)
    assert passwords.hash_password("correct horse") != stored


def test_a_password_of_128_characters_plus_more_does_not_match():
    """Only the first 128 characters of a longer text are hashed."""
    stored = passwords.hash_password("é" * 128)

    assert passwords.matches(stored, "é" * 128)
    assert not passwords.matches(stored, "é" * 129)
    assert not passwords.matches(stored, "é" * 127)
