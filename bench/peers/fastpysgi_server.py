"""Serves a WSGI application with fastpysgi: `python -m bench.peers.fastpysgi_server PORT MODULE:APP`.

The command `fastpysgi` does not find modules in the current folder's packages.
"""

from __future__ import annotations

import sys

import fastpysgi  # type: ignore[import-not-found]  # only .venv-bench has it

port, application = sys.argv[1:]
fastpysgi.run(fastpysgi.import_from_string(application), "127.0.0.1", int(port))
