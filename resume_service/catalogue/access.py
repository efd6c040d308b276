"""Checks that a caller may watch a video of the catalogue."""

from __future__ import annotations

from resume_service.auth.identity import Identity
from resume_service.catalogue.facts import VideoFacts
from resume_service.catalogue.facts_cache import FactsCache
from resume_service.errors import NotFound
from resume_service.redis.operation import Blocking, Operation
from resume_service.resume.video_access import WantedVideo


class CatalogueAccess:
    """The `VideoAccess` of a service that has a catalogue in Postgres."""

    def __init__(self, videos: FactsCache) -> None:
        self._videos = videos

    def check(
        self, caller: Identity, video_id: int, wanted: WantedVideo
    ) -> Operation[float | None]:
        facts = yield from self._offered(video_id, wanted)
        if wanted.kind not in (None, facts.kind):
            raise NotFound(wanted.wrong_kind)
        facts.require_watchable_by(caller)
        return facts.duration

    def _offered(self, video_id: int, wanted: WantedVideo) -> Operation[VideoFacts]:
        try:
            facts = self._videos.cached_facts(video_id)
            if facts is None:
                facts = yield Blocking(lambda: self._videos.facts(video_id))
        except NotFound:
            raise NotFound(wanted.not_found) from None
        if not facts.is_offered:
            raise NotFound(wanted.not_found)
        return facts
