"""Keys of all advisory locks in Postgres. Each key is unique in the database."""

from __future__ import annotations

MIGRATION = 7_236_450_221
"""One process migrates at a time. The others wait."""
ARCHIVE = 7_236_450_222
"""Only the worker that has this lock writes the archive."""
COURSE = 7_236_450_223
"""Two concurrent changes of prerequisites could form a circle. Neither of them would see it."""
VIDEO_COMPLETIONS = 7_236_450_224
"""One worker at a time completes lessons from watched videos."""
DEMO_COURSE = 7_236_450_225
"""Two concurrent processes could enrol the user of the demo twice."""
DEMO_CATALOGUE = 5_120_944_870
"""One process at a time adds the demo. The others fail."""

USER_LESSONS = 7236
"""The first of two keys. The second key is a hash of the id of the user whose lessons change."""
