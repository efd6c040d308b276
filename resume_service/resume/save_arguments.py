"""Builds the arguments of the script of a save, `scripts/save_point.lua`."""

from __future__ import annotations

from resume_service.clock import MILLISECOND, iso_ms
from resume_service.redis.script import Args
from resume_service.resume.hash_format import number_or_empty
from resume_service.resume.keys import PointKeys
from resume_service.resume.model import LONGEST_AGE, Measurement, PointSettings


class SaveArguments:
    def __init__(self, settings: PointSettings) -> None:
        self._constants = (
            str(int(settings.ttl.total_seconds())),
            str(settings.max_points),
            str(settings.watched_percent),
        )
        """Arguments that are the same for each save. So they are formatted only once, here."""
        self._max_entry_age_ms = (settings.ttl + LONGEST_AGE) // MILLISECOND
        """Milliseconds. The point of an index entry that is older than this has expired."""

    def of(self, measurement: Measurement, keys: PointKeys, *, wants_point: bool) -> Args:
        """Return ARGV in the order of the script.

        Raises ValueError unless the measurement has either a position or a rate.
        """
        at_ms, position, rate = measurement.measured_at_ms, measurement.position, measurement.rate
        if (position is None) is (rate is None):
            raise ValueError("a position or a rate")
        return [
            number_or_empty(position),
            number_or_empty(measurement.duration),
            iso_ms(at_ms),
            at_ms,
            *self._constants,
            at_ms - self._max_entry_age_ms,
            keys.member,
            keys.point_prefix,
            keys.entry,
            number_or_empty(rate),
            number_or_empty(measurement.catalogue_duration),
            "1" if wants_point else "",
        ]
