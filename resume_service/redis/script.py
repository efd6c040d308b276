"""Loads the Lua scripts of this service."""

from __future__ import annotations

import hashlib
from importlib.resources import files

Args = list[str | int]


class Script:
    """The Lua script in the file `name` of `package`. Each script of this service writes to Redis."""

    def __init__(self, name: str, package: str) -> None:
        self.text = files(package).joinpath(name).read_text()
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
