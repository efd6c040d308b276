"""The bytes of videos, wherever they are: one check of where that may be, for setting and fetching."""

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
        """What is wrong with `file_path`, in words for who sets it; empty when nothing is.

        It may look a name up, which takes three seconds at most.
        """
        try:
            self._where(file_path).check(file_path)
        except PathNotAllowed as fault:
            return [str(fault)]
        return []

    def open(self, file_path: str, wanted: ByteRequest) -> OpenMedia:
        """Raises NotFound, RangeNotSatisfiable, OriginFailed, OriginSilent and Unavailable.

        What `check` would refuse now has failed, whatever it said when it was set.
        """
        try:
            return self._where(file_path).open(file_path, wanted)
        except PathNotAllowed as fault:
            _log.warning("a video's file_path is refused", reason=str(fault))
            raise OriginFailed from fault

    def _where(self, file_path: str) -> LocalFiles | Origins:
        return self._origins if looks_like_url(file_path) else self._files
