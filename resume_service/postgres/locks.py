"""Keys of the advisory locks that this service takes in Postgres. All keys are different."""

from __future__ import annotations

MIGRATION = 7_236_450_221
"""Only one process at a time migrates the schema. The other processes wait."""
ARCHIVE = 7_236_450_222
"""Only the worker that has this lock writes to the archive."""
COURSE = 7_236_450_223
"""Only one transaction at a time changes prerequisites.

Two concurrent changes could make a cycle (A requires B, B requires A). Neither would detect it.
"""
VIDEO_COMPLETIONS = 7_236_450_224
"""Only one worker at a time completes the lessons of watched videos."""
DEMO_COURSE = 7_236_450_225
"""Only one process at a time adds the demo course.

Two concurrent processes could enrol the demo user twice.
"""
DEMO_CATALOGUE = 5_120_944_870
"""Only one process at a time adds the demo catalogue. Other processes raise Conflict at once."""

USER_LESSONS = 7236
"""Only one transaction at a time changes the completed lessons of a user.

This lock has two keys. The second key is a hash of the user id.
"""
