"""Conventions of the sources that ruff and import-linter can't check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dev.service import ROOT
from resume_service import __version__

SCRIPTS = sorted((ROOT / "resume_service").rglob("*.lua"))
SOURCES = [*sorted((ROOT / "resume_service").rglob("*.py")), *SCRIPTS]


def with_included_files(script: Path) -> str:
    """The text that Redis gets, without comments."""
    text = re.sub(
        r"^-- include (\w+\.lua)$",
        lambda line: (script.parent / line[1]).read_text(),
        script.read_text(),
        flags=re.MULTILINE,
    )
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))


def is_included(script: Path) -> bool:
    """Whether the script is part of another one, which describes keys and arguments."""
    return any(f"-- include {script.name}\n" in each.read_text() for each in SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_scripts_header_lists_exactly_the_keys_and_arguments_it_uses(script: Path):
    lines = script.read_text().splitlines()
    comments = [line for line in lines if line.startswith("--")]
    header = set(re.findall(r"^-- ((?:KEYS|ARGV)\[\d+\])", "\n".join(comments), re.MULTILINE))

    used = set(re.findall(r"(?:KEYS|ARGV)\[\d+\]", with_included_files(script)))
    assert header == (set() if is_included(script) else used)
    assert any(line.startswith("-- returns ") for line in comments)
    assert lines[0].startswith("-- ")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_contains_no_key_and_no_command_that_reads_all_keys(script: Path):
    body = script.read_text()

    assert not re.search(r"call\(\s*'(RANDOMKEY|KEYS|SCAN)'", body)
    assert not re.search(r"call\(\s*'\w+',\s*'", body), "a key is written in the script"


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
