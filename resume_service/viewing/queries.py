"""SQL for the lists of a viewer, and for the marks of a series."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy
from sqlalchemy import Select, Text, any_, bindparam, cast, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from resume_service.archive.tables import watch_archive
from resume_service.auth.identity import Identity, Role
from resume_service.catalogue.tables import videos
from resume_service.resume.model import ArchivedPoint

# A line of `points` is the text of a KnownPoint, a line of `deletions` a video id and a time in ms. To
# send one text takes a fifth of the time of five arrays. The rules are those of `known_point.py`, and
# `has_begun` that of `merge_state.is_begun`. Each time is at least that of the deletion. So only a
# later event counts as one.
#
# If `state` is not valid, the other columns decide, as in `archive/rows.py`. In the text of an array,
# an element with a comma and an empty one have quotes. So if only digits were between the commas, all
# elements are numbers. Version 0.4 has saved the point again if its time differs from `shown`.
#
# OFFSET 0 and FULL JOIN fix the plan, also without statistics. The facts of the videos come from the
# primary key, not from a scan of all videos. `due` is sorted before the search for the next episodes.
# So the search ends after :limit items.
NEXT_EPISODES = sqlalchemy.text("""
WITH live AS (
  SELECT word[1] AS video_id, CAST(word[2] AS bigint) AS saved, word[3] = '1' AS has_begun,
         CAST(word[4:] AS bigint[]) AS times
    FROM (SELECT string_to_array(line, ' ') AS word
            FROM unnest(string_to_array(:points, E'\\n')) AS line OFFSET 0) AS words
  OFFSET 0
), deletion AS (
  SELECT split_part(line, ' ', 1) AS video_id, CAST(split_part(line, ' ', 2) AS bigint) AS at
    FROM unnest(string_to_array(:deletions, E'\\n')) AS line
  OFFSET 0
), row AS (
  SELECT video_id, watched, CAST(date_part('epoch', updated_at) * 1000 AS bigint) AS at,
         CAST(date_part('epoch', watched_at) * 1000 AS bigint) AS watched_at,
         position > 0 AND coalesce(percent < :watched_percent, true) AS has_begun,
         CASE WHEN jsonb_typeof(state) = 'object' THEN ARRAY[
           coalesce(left(state ->> 'qualified', 18), '0'),
           coalesce(left(state ->> 'marked', 18), '0'),
           coalesce(left(state ->> 'unwatched', 18), '0'),
           coalesce(left(state ->> 'dismissed', 18), '0'),
           coalesce(left(state ->> 'undismissed', 18), '0'),
           coalesce(left(state -> 'position' ->> 0, 18), '0'),
           coalesce(left(state -> 'rate' ->> 0, 18), '0'),
           coalesce(left(state ->> 'shown', 18), '0')
         ] END AS words
    FROM watch_archive
   WHERE user_id = :user_id
  OFFSET 0
), parsed AS (
  SELECT video_id, watched, at, watched_at, has_begun,
         CASE WHEN translate(CAST(words AS text), '0123456789', '') = '{,,,,,,,}'
              THEN CAST(words AS bigint[]) END AS times
    FROM row
  OFFSET 0
), archived AS (
  SELECT video_id, has_begun, times,
         greatest(times[6], times[7], CASE WHEN at IS DISTINCT FROM times[8] THEN at END) AS saved,
         greatest(times[1], watched_at,
                  CASE WHEN watched AND at IS DISTINCT FROM times[8] THEN at END) AS qualified
    FROM parsed
), event AS (
  SELECT video_id, coalesce(deletion.at, 0) AS deleted,
         CASE WHEN live.saved >= archived.saved OR archived.saved IS NULL THEN live.has_begun
              ELSE archived.has_begun END AS has_begun,
         greatest(live.saved, archived.saved, deletion.at, 0) AS saved,
         greatest(live.times[1], archived.qualified, deletion.at, 0) AS qualified,
         greatest(live.times[2], archived.times[2], deletion.at, 0) AS marked,
         greatest(live.times[3], archived.times[3], deletion.at, 0) AS unwatched,
         greatest(live.times[4], archived.times[4], deletion.at, 0) AS dismissed,
         greatest(live.times[5], archived.times[5], deletion.at, 0) AS undismissed
    FROM live FULL JOIN deletion USING (video_id) FULL JOIN archived USING (video_id)
  OFFSET 0
), point AS (
  SELECT CASE WHEN length(video_id) < 19 AND ltrim(video_id, '0123456789') = ''
               AND video_id NOT LIKE '0%' THEN CAST(video_id AS bigint) END AS number,
         CASE WHEN saved > deleted THEN saved ELSE marked END AS at,
         qualified > unwatched AS watched, has_begun AND saved > deleted AS has_begun,
         dismissed > greatest(saved, undismissed) AS dismissed
    FROM event
   WHERE greatest(saved, marked) > deleted
), seen AS (
  SELECT series_id, owner, watched, dismissed,
         has_begun AND NOT dismissed AND offered AS to_be_continued,
         ARRAY[at, season, episode_number, id] AS place
    FROM point CROSS JOIN LATERAL (
      SELECT id, series_id, corporation_id, coalesce(corporation_id, 0) AS owner,
             coalesce(season_number, 1) AS season, episode_number,
             published AND deleted_at IS NULL AS offered
        FROM videos
       WHERE id = number
      OFFSET 0
    ) AS video
   WHERE series_id IS NOT NULL
     AND (:sees_all OR corporation_id IS NULL OR corporation_id = :corporation_id)
), begun AS (
  SELECT series_id, owner, max(place) FILTER (WHERE watched AND place[3] IS NOT NULL) AS latest,
         array_agg(place[4]) FILTER (WHERE watched) AS watched_ids
    FROM seen
   GROUP BY series_id, owner
  HAVING NOT bool_or(to_be_continued) AND NOT bool_and(dismissed)
), item AS (
  SELECT due.*, next.id AS next_id
    FROM (
      SELECT latest[1] AS at, latest[2] AS season, latest[3] AS episode, latest[4] AS after_id,
             series_id, owner, watched_ids
        FROM begun
       WHERE latest IS NOT NULL
       ORDER BY at DESC, series_id, owner
      OFFSET 0
    ) AS due
   CROSS JOIN LATERAL (
     SELECT id
       FROM videos
      WHERE videos.series_id = due.series_id AND coalesce(corporation_id, 0) = owner
        AND (coalesce(season_number, 1), episode_number) > (season, episode)
        AND episode_number IS NOT NULL AND published AND deleted_at IS NULL
        AND id <> ALL (watched_ids)
      ORDER BY coalesce(season_number, 1), episode_number, id
      LIMIT 1
   ) AS next
   ORDER BY at DESC, due.series_id, owner
   LIMIT :limit
)
SELECT next.id, next.name, next.kind, next.corporation_id, next.duration_seconds, next.series_id,
       next.season_number, next.episode_number,
       after.published AND after.deleted_at IS NULL AS after_offered,
       after.id AS after_id, after.name AS after_name, after.kind AS after_kind,
       after.corporation_id AS after_corporation_id,
       after.duration_seconds AS after_duration_seconds, after.series_id AS after_series_id,
       after.season_number AS after_season_number, after.episode_number AS after_episode_number
  FROM item
  JOIN videos AS next ON next.id = next_id
  JOIN videos AS after ON after.id = after_id
 ORDER BY item.at DESC, item.series_id, owner
""")


def archived_points(
    sql: sqlalchemy.Connection, user_id: str, video_ids: Iterable[str]
) -> list[ArchivedPoint]:
    """Return the archived ones of these points, with one statement."""
    columns = {name: watch_archive.c[name] for name in ArchivedPoint._fields}
    query = select(*(columns | {"state": cast(columns["state"], Text)}).values()).where(
        watch_archive.c.user_id == user_id,
        watch_archive.c.video_id == any_(bindparam("video_ids", type_=ARRAY(Text))),
    )
    return [ArchivedPoint._make(row) for row in sql.execute(query, {"video_ids": [*video_ids]})]


def episodes(viewer: Identity, series_id: int) -> Select[Any]:
    """The videos of a series in their order, without those of companies closed to the viewer.

    They include unpublished and deleted ones: the column `offered` is false.
    """
    is_offered = videos.c.published & videos.c.deleted_at.is_(None)
    order = (sqlalchemy.func.coalesce(videos.c.season_number, 1), videos.c.episode_number)
    query = select(videos.c.id, is_offered.label("offered"))
    query = query.where(videos.c.series_id == series_id).order_by(*order, videos.c.id)
    if viewer.role is Role.SERVICE:
        return query
    owner = videos.c.corporation_id
    return query.where(or_(owner.is_(None), owner == viewer.corporation_id))
