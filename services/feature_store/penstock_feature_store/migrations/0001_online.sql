-- The newest features of every entity. json, not jsonb: jsonb writes 1e22 back as an integer, and a double would change its type.
CREATE TABLE online (
    view text NOT NULL,
    entity text NOT NULL,
    event_time_ms bigint NOT NULL,
    features json NOT NULL,
    PRIMARY KEY (view, entity)
) WITH (fillfactor = 80);  -- room for updates in place: nothing indexed changes
