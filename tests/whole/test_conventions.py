"""Conventions that nobody has to remember."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dev.service import ROOT
from resume_service import __version__

SCRIPTS = sorted((ROOT / "resume_service").rglob("*.lua"))
SOURCES = [*sorted((ROOT / "resume_service").rglob("*.py")), *SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_scripts_header_names_just_what_its_body_uses(script: Path):
    lines = script.read_text().splitlines()
    comment = [line for line in lines if line.startswith("--")]
    header = set(re.findall(r"^-- ((?:KEYS|ARGV)\[\d+\])", "\n".join(comment), re.MULTILINE))
    body = "\n".join(line for line in lines if not line.lstrip().startswith("--"))

    assert header == set(re.findall(r"(?:KEYS|ARGV)\[\d+\]", body))
    assert any(line.startswith("-- returns ") for line in comment)
    assert lines[0].startswith("-- ")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_given_the_time_and_every_key_prefix(script: Path):
    body = script.read_text()

    assert not re.search(r"redis\.call\(\s*'(TIME|RANDOMKEY|KEYS|SCAN)'", body)
    assert not re.search(r"redis\.call\(\s*'\w+',\s*'", body), "a key spelled out in the script"


def test_no_source_looks_through_all_keys():
    for source in SOURCES:
        found = re.search(r"\.(keys|scan|scan_iter)\(|['\"](KEYS|SCAN)['\"]", source.read_text())
        assert not found, f"{source}: {found and found[0]}"


def test_the_project_names_no_package_registry():
    for path in [*ROOT.glob("requirements*.txt"), *(ROOT / "requirements").iterdir()]:
        assert "://" not in path.read_text(), path


def test_the_version_is_the_newest_of_the_changelog():
    released = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert released[0] == __version__
