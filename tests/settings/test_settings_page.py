"""docs/settings.md lists every setting with its default."""

from __future__ import annotations

import dataclasses
import re

from dev.service import ROOT
from resume_service.settings import Settings

PAGE = (ROOT / "docs" / "settings.md").read_text()
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|", PAGE, re.MULTILINE))
"""The default of each variable; empty if it has none."""


def as_text(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if default not in (None, ()) else ""


def test_page_lists_every_setting_with_its_default():
    defaults = {each.name.upper(): as_text(each.default) for each in dataclasses.fields(Settings)}

    assert {name: ROWS[name] for name in defaults} == defaults


def test_page_and_example_file_list_the_same_variables():
    example = (ROOT / ".env.example").read_text()

    assert set(ROWS) == set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE))
