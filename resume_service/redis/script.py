"""Loads the Lua scripts of this service."""

from __future__ import annotations

import hashlib
from importlib.resources import files

Args = list[str | int]


class Script:
    """The Lua script in the file `name` of `package`.

    A script with `has_large_result` is sent on a connection of its own.
    """

    def __init__(
        self, name: str, package: str, *, writes: bool = True, has_large_result: bool = False
    ) -> None:
        self.text = files(package).joinpath(name).read_text()
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        self.writes = writes
        self.has_large_result = has_large_result
