"""Conventions of the sources that ruff and import-linter can't check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dev.service import ROOT
from resume_service import __version__

SCRIPTS = sorted((ROOT / "resume_service").rglob("*.lua"))
SOURCES = [*sorted((ROOT / "resume_service").rglob("*.py")), *SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_scripts_header_lists_exactly_the_keys_and_arguments_it_uses(script: Path):
    lines = script.read_text().splitlines()
    comments = [line for line in lines if line.startswith("--")]
    header = set(re.findall(r"^-- ((?:KEYS|ARGV)\[\d+\])", "\n".join(comments), re.MULTILINE))
    body = "\n".join(line for line in lines if not line.lstrip().startswith("--"))

    assert header == set(re.findall(r"(?:KEYS|ARGV)\[\d+\]", body))
    assert any(line.startswith("-- returns ") for line in comments)
    assert lines[0].startswith("-- ")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_reads_no_clock_and_contains_no_key(script: Path):
    body = script.read_text()

    assert not re.search(r"redis\.call\(\s*'(TIME|RANDOMKEY|KEYS|SCAN)'", body)
    assert not re.search(r"redis\.call\(\s*'\w+',\s*'", body), "a key is written in the script"


def test_no_source_scans_all_keys():
    for source in SOURCES:
        found = re.search(r"\.(keys|scan|scan_iter)\(|['\"](KEYS|SCAN)['\"]", source.read_text())
        assert not found, f"{source}: {found and found[0]}"


def test_requirements_name_no_package_registry():
    for path in [*ROOT.glob("requirements*.txt"), *(ROOT / "requirements").iterdir()]:
        assert "://" not in path.read_text(), path


def test_the_version_is_the_newest_in_the_changelog():
    released = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert released[0] == __version__
