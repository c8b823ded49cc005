-- name: write
INSERT INTO online (view, entity, event_time_ms, features)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::json[])
ON CONFLICT (view, entity) DO UPDATE
    SET event_time_ms = excluded.event_time_ms, features = excluded.features
    WHERE excluded.event_time_ms >= online.event_time_ms;

-- name: read
SELECT entity, event_time_ms, features
FROM online
WHERE view = $1 AND entity = ANY ($2::text[]);
