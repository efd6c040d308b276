"""Opens the bytes of a video, from a file or an origin. The same check runs on save and on open."""

from __future__ import annotations

import structlog

from resume_service.errors import OriginFailed
from resume_service.media.files import LocalFiles
from resume_service.media.model import ByteRequest, OpenMedia
from resume_service.media.origin_url import PathNotAllowed, looks_like_url
from resume_service.media.origins import Origins
from resume_service.settings import Settings

_log = structlog.get_logger(__name__)


class MediaSource:
    """Files below MEDIA_ROOT, and URLs on hosts of STREAM_ALLOWED_HOSTS."""

    def __init__(self, files: LocalFiles, origins: Origins) -> None:
        self._files = files
        self._origins = origins

    @classmethod
    def from_settings(cls, settings: Settings) -> MediaSource:
        return cls(LocalFiles(settings.media_root), Origins(settings.stream_allowed_hosts))

    def check(self, file_path: str) -> list[str]:
        """The errors of `file_path`, as messages for the client; empty if it is valid.

        It may wait up to three seconds for a DNS lookup.
        """
        try:
            self._source_of(file_path).check(file_path)
        except PathNotAllowed as fault:
            return [str(fault)]
        return []

    def open(self, file_path: str, wanted: ByteRequest) -> OpenMedia:
        """Raises NotFound, RangeNotSatisfiable, OriginFailed, OriginTimeout and Unavailable.

        A path that `check` would refuse now raises OriginFailed, even if it was valid when saved.
        """
        try:
            return self._source_of(file_path).open(file_path, wanted)
        except PathNotAllowed as fault:
            _log.warning("a video's file_path is refused", reason=str(fault))
            raise OriginFailed from fault

    def _source_of(self, file_path: str) -> LocalFiles | Origins:
        return self._origins if looks_like_url(file_path) else self._files
