"""Opens the bytes of a video, from a file or an origin.

The same check of the path runs when a video is saved and when a video is opened.
"""

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
    """Reads files below MEDIA_ROOT, and URLs on the hosts in STREAM_ALLOWED_HOSTS."""

    def __init__(self, files: LocalFiles, origins: Origins) -> None:
        self._files = files
        self._origins = origins

    @classmethod
    def from_settings(cls, settings: Settings) -> MediaSource:
        return cls(LocalFiles(settings.media_root), Origins(settings.stream_allowed_hosts))

    def check(self, file_path: str) -> list[str]:
        """Return the errors of `file_path`, as messages for the client.

        The list is empty if `file_path` is allowed. A DNS lookup may take some seconds. Raises
        Unavailable if a file can't be opened now.
        """
        try:
            self._source_of(file_path).check(file_path)
        except PathNotAllowed as fault:
            return [str(fault)]
        return []

    def open(self, file_path: str, wanted: ByteRequest) -> OpenMedia:
        """Open the bytes of a video.

        Raises NotFound if the file is missing. Raises RangeNotSatisfiable if the range has no byte of
        the file. Raises OriginTimeout if the origin does not answer in time. Raises OriginFailed if
        the origin can't be reached or its response is wrong. Raises Unavailable if the service has
        too many open files or fetches.

        Also raises OriginFailed if `check` would refuse `file_path` now. The path may have been
        allowed when the video was saved.
        """
        try:
            return self._source_of(file_path).open(file_path, wanted)
        except PathNotAllowed as fault:
            _log.warning("a video's file_path is refused", reason=str(fault))
            raise OriginFailed from fault

    def _source_of(self, file_path: str) -> LocalFiles | Origins:
        return self._origins if looks_like_url(file_path) else self._files
