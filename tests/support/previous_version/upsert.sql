WITH incoming AS (
  SELECT * FROM unnest(%s::text[], %s::text[], %s::float8[], %s::timestamptz[], %s::float8[],
                       %s::float8[], %s::boolean[], %s::timestamptz[], %s::boolean[],
                       %s::timestamptz[])
    AS point(user_id, video_id, position, updated_at, duration, percent, watched, watched_at,
             completed, completed_at)
), archived AS (
  INSERT INTO watch_archive AS stored
    (user_id, video_id, position, updated_at, duration, percent, watched, watched_at, completed,
     completed_at)
  SELECT user_id, video_id, position, updated_at, duration, percent, coalesce(watched, false),
         watched_at, coalesce(completed, false), completed_at
    FROM incoming
  ON CONFLICT (user_id, video_id) DO UPDATE SET
    (position, duration, percent, completed, updated_at) = ROW(
      CASE WHEN excluded.updated_at >= stored.updated_at THEN excluded.position ELSE stored.position END,
      CASE WHEN excluded.updated_at >= stored.updated_at THEN excluded.duration ELSE stored.duration END,
      CASE WHEN excluded.updated_at >= stored.updated_at THEN excluded.percent ELSE stored.percent END,
      CASE WHEN excluded.updated_at >= stored.updated_at THEN excluded.completed ELSE stored.completed END,
      greatest(excluded.updated_at, stored.updated_at)
    ),
    watched = stored.watched OR excluded.watched,
    watched_at = least(stored.watched_at, excluded.watched_at),
    completed_at = least(stored.completed_at, excluded.completed_at),
    archived_at = now()
  RETURNING user_id, video_id, watched_at, completed_at
)
SELECT user_id, video_id, incoming.updated_at, archived.watched_at, archived.completed_at
  FROM archived JOIN incoming USING (user_id, video_id)
 WHERE (archived.watched_at, archived.completed_at)
       IS DISTINCT FROM (incoming.watched_at, incoming.completed_at)
