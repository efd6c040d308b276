"""Passwords are hashed slowly, and nobody else waits for it."""

from __future__ import annotations

import subprocess
import sys

from dev.service import ROOT
from resume_service.accounts import passwords

WHILE_GREENLETS = """
from gevent import monkey
monkey.patch_all()
import gevent
from argon2 import PasswordHasher
from resume_service.accounts import passwords

passwords._hasher = PasswordHasher(time_cost=40, memory_cost=19_456, parallelism=1)
hashing = [gevent.spawn(passwords.hash_password, "correct horse") for _ in range(3)]
turns = 0
while not all(each.ready() for each in hashing):
    gevent.sleep(0.001)
    turns += 1
print(turns, all(each.value.startswith("$argon2id$") for each in hashing))
"""


def test_other_greenlets_go_on_while_passwords_are_hashed():
    script = [sys.executable, "-c", WHILE_GREENLETS]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True)
    turns, are_hashes = done.stdout.split()

    assert are_hashes == "True"
    assert int(turns) > 20  # 0 or 1 where the loop waits for the hashes


def test_a_password_matches_its_own_hash_and_no_hash_matches_none():
    kept = passwords.hash_password("correct horse")

    assert passwords.matches(kept, "correct horse")
    assert not passwords.matches(kept, "Correct horse")
    assert not passwords.matches(passwords.dummy_hash(), "")
    assert not passwords.matches("no hash at all", "correct horse")
    assert passwords.hash_password("correct horse") != kept
