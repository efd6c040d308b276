"""The SQL statements of the worker on the archive."""

from __future__ import annotations

BEGIN = """
SELECT set_config('idle_in_transaction_session_timeout', %s, true),
       set_config('statement_timeout', %s, true),
       set_config('lock_timeout', %s, true),
       set_config('TimeZone', 'UTC', true),
       pg_advisory_xact_lock(%s)
"""

# A row that a newer save replaces completely is not read: then all its values are in the save, too.
# `replaces` is the time of such a save. It is null if the row must be merged.
READ = """
SELECT user_id, video_id, position, point.updated_at, duration, percent, watched, point.watched_at,
       completed, point.completed_at, device, rate, point.state::text, deleted_at,
       tombstone.state::text
  FROM json_to_recordset(%s::json) AS wanted(
         user_id text, video_id text, replaces timestamptz, watched_at timestamptz,
         completed_at timestamptz)
  LEFT JOIN watch_archive AS point USING (user_id, video_id)
  LEFT JOIN watch_archive_tombstones AS tombstone USING (user_id, video_id)
 WHERE tombstone.user_id IS NOT NULL
    OR point.user_id IS NOT NULL AND (
         wanted.replaces IS NULL OR wanted.replaces <= point.updated_at
         OR point.state IS NOT NULL OR point.watched <> (point.watched_at IS NOT NULL)
         OR (point.watched_at, point.completed_at)
            IS DISTINCT FROM (wanted.watched_at, wanted.completed_at))
"""

# The statement overwrites the row, because its caller has merged the row into the new values.
UPSERT = """
INSERT INTO watch_archive
  (user_id, video_id, position, updated_at, duration, percent, watched, watched_at, completed,
   completed_at, device, rate, state)
SELECT *
  FROM json_to_recordset(%s::json) AS point(
         user_id text, video_id text, position float8, updated_at timestamptz, duration float8,
         percent float8, watched boolean, watched_at timestamptz, completed boolean,
         completed_at timestamptz, device text, rate float8, state jsonb)
ON CONFLICT (user_id, video_id) DO UPDATE SET
  (position, updated_at, duration, percent, watched, watched_at, completed, completed_at, device,
   rate, state, archived_at)
  = ROW(excluded.position, excluded.updated_at, excluded.duration, excluded.percent,
        excluded.watched, excluded.watched_at, excluded.completed, excluded.completed_at,
        excluded.device, excluded.rate, excluded.state, now())
"""
ERASE = """
DELETE FROM watch_archive USING unnest(%s::text[], %s::text[]) AS erased(user_id, video_id)
 WHERE (watch_archive.user_id, watch_archive.video_id) = (erased.user_id, erased.video_id)
"""

BURY = """
INSERT INTO watch_archive_tombstones (expires_at, user_id, video_id, deleted_at, state, updated_at)
SELECT now() + %s, tombstone.*
  FROM json_to_recordset(%s::json) AS tombstone(
         user_id text, video_id text, deleted_at timestamptz, state jsonb, updated_at timestamptz)
ON CONFLICT (user_id, video_id) DO UPDATE SET
  (deleted_at, state, updated_at, expires_at)
  = ROW(excluded.deleted_at, excluded.state, excluded.updated_at, excluded.expires_at)
"""
FORGET = """
DELETE FROM watch_archive_tombstones AS stored
 USING unnest(%s::text[], %s::text[]) AS gone(user_id, video_id)
 WHERE (stored.user_id, stored.video_id) = (gone.user_id, gone.video_id)
"""
# For most users the subquery reads a few entries of an index, and finds none.
LIMIT = """
DELETE FROM watch_archive_tombstones AS stored
 USING unnest(%s::text[]) AS limited(user_id)
 CROSS JOIN LATERAL (
   SELECT updated_at, video_id FROM watch_archive_tombstones AS newest
    WHERE newest.user_id = limited.user_id
    ORDER BY updated_at DESC, video_id DESC
   OFFSET %s LIMIT 1
 ) AS first_surplus
 WHERE stored.user_id = limited.user_id
   AND (stored.updated_at, stored.video_id) <= (first_surplus.updated_at, first_surplus.video_id)
"""
EXPIRE = """
DELETE FROM watch_archive_tombstones
 WHERE (user_id, video_id) IN (
   SELECT user_id, video_id FROM watch_archive_tombstones
    WHERE expires_at < now() ORDER BY expires_at LIMIT %s)
"""

# A restore starts with the newest points, because the viewers who are active now need these points.
# A point expires RESUME_TTL_DAYS after its arrival, which is shortly before `archived_at`. It was
# measured at most RESUME_TTL_DAYS before that. Without statistics of the table, a second condition
# would prevent the use of the index. So the caller omits the points that have no time left.
PAGE = """
SELECT user_id, video_id, position, updated_at, duration, percent, watched, watched_at, completed,
       completed_at, device, rate, state::text,
       extract(epoch FROM archived_at + %(ttl)s - now())::float8
  FROM watch_archive
 WHERE updated_at > now() - 2 * %(ttl)s
   AND (updated_at, user_id, video_id) < (%(until)s, %(user_id)s, %(video_id)s)
 ORDER BY updated_at DESC, user_id DESC, video_id DESC
 LIMIT %(page_size)s
"""
TOMBSTONE_PAGE = """
SELECT user_id, video_id, deleted_at, state::text, extract(epoch FROM expires_at - now())::float8
  FROM watch_archive_tombstones
 WHERE expires_at > now() AND (user_id, video_id) > (%(user_id)s, %(video_id)s)
 ORDER BY user_id, video_id
 LIMIT %(page_size)s
"""
COUNT = """
SELECT (SELECT count(*) FROM watch_archive
         WHERE updated_at > now() - 2 * %(ttl)s AND archived_at > now() - %(ttl)s)
     + (SELECT count(*) FROM watch_archive_tombstones WHERE expires_at > now())
"""
