-- A deleted version keeps its row until it is deleted for good: its number is not given again, and what was deleted may come back.
ALTER TABLE subjects ADD COLUMN deleted boolean NOT NULL DEFAULT false;
ALTER TABLE subjects DROP CONSTRAINT subjects_subject_schema_id_key;
CREATE UNIQUE INDEX subjects_live ON subjects (subject, schema_id) WHERE NOT deleted;
CREATE INDEX subjects_schema ON subjects (schema_id);

-- From here on schemas and subjects are told to the topic too, so that the ids outlive these tables; what is there already is told now.
INSERT INTO outbox (kind, name, revision, event_time_ms, body)
SELECT 'schema', id::text, 1, (extract(epoch FROM now()) * 1000)::bigint, json_build_object('id', id, 'schema', schema)::text
FROM schemas ORDER BY id;

INSERT INTO outbox (kind, name, revision, event_time_ms, body)
SELECT 'subject', subject, 1, (extract(epoch FROM now()) * 1000)::bigint,
    json_build_object(
        'level', (SELECT level FROM compatibility WHERE compatibility.subject = named.subject),
        'versions', (
            SELECT coalesce(json_agg(json_build_array(version, schema_id, deleted) ORDER BY version), '[]')
            FROM subjects WHERE subjects.subject = named.subject
        )
    )::text
FROM (SELECT subject FROM subjects UNION SELECT subject FROM compatibility) AS named ORDER BY subject;
