"""gunicorn's threaded worker, mended where a stop would drop requests."""

from __future__ import annotations

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Serves, when it stops, also whom the kernel has let in already.

    gunicorn's own worker leaves its listener open while it finishes what is under way: the kernel
    goes on taking connections that nobody will serve, and resets them when the worker ends.
    """

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - gunicorn's signature
        super().set_accept_enabled(enabled)
        if not self.alive:
            self._serve_the_backlog()

    def _serve_the_backlog(self) -> None:
        for listener in self.sockets:
            before = -1
            while before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()
