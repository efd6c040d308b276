DELETE FROM watch_archive USING unnest(%s::text[], %s::text[]) AS erased(user_id, video_id)
 WHERE (watch_archive.user_id, watch_archive.video_id) = (erased.user_id, erased.video_id)
