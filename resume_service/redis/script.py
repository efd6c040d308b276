"""Loads the Lua scripts of this service."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

Args = list[str | int]
_INCLUDE = re.compile(r"^-- include (\w+\.lua)$", re.MULTILINE)


class Script:
    """The Lua script in the file `name` of `package`.

    A line `-- include other.lua` stands for the text of the file `other.lua` of the same package.
    """

    def __init__(self, name: str, package: str) -> None:
        folder = files(package)
        self.text = _INCLUDE.sub(
            lambda line: folder.joinpath(line[1]).read_text(), folder.joinpath(name).read_text()
        )
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
