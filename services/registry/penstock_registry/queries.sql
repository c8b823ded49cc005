-- name: lock
SELECT pg_advisory_xact_lock(hashtext('penstock:registry:change'));

-- name: lock_publisher
SELECT pg_try_advisory_lock(hashtext('penstock:registry:publisher'));

-- name: last_audit
SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1;

-- name: add_audit
INSERT INTO audit (sequence, body, hash) VALUES ($1, $2, $3);

-- name: audit_from
SELECT sequence, body, hash FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2;

-- name: add_outbox
INSERT INTO outbox (kind, name, revision, event_time_ms, body) VALUES ($1, $2, $3, $4, $5);

-- name: pending
SELECT sequence, kind, name, revision, event_time_ms, body FROM outbox WHERE NOT sent ORDER BY sequence LIMIT $1;

-- name: mark_sent
UPDATE outbox SET sent = true WHERE sequence <= $1 AND NOT sent;

-- name: drop_superseded
DELETE FROM outbox AS old WHERE old.sent AND old.sequence <= $1
AND EXISTS (SELECT FROM outbox AS newer WHERE newer.kind = old.kind AND newer.name = old.name AND newer.sequence > old.sequence AND newer.sent);

-- name: send_all_again
UPDATE outbox SET sent = false WHERE sent;

-- name: newest_specs
SELECT DISTINCT ON (kind, name) kind, name, version, body, applied_at_ms FROM specs
WHERE $1 = '' OR kind = $1 ORDER BY kind, name, version DESC;

-- name: spec
SELECT kind, name, version, body, applied_at_ms FROM specs
WHERE kind = $1 AND name = $2 AND ($3 = 0 OR version = $3) ORDER BY version DESC LIMIT 1;

-- name: spec_versions
SELECT body FROM specs WHERE kind = $1 AND name = $2 ORDER BY version;

-- name: add_spec
INSERT INTO specs (kind, name, version, body, applied_at_ms) VALUES ($1, $2, $3, $4, $5);

-- name: add_blob
INSERT INTO blobs (digest, data) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING;

-- name: blob
SELECT data FROM blobs WHERE digest = $1;

-- name: version
SELECT parent, learner, cause, born_position, state, position FROM versions WHERE model = $1 AND version = $2;

-- name: versions
SELECT model, version, parent, learner, cause, born_position, state FROM versions WHERE model = $1 ORDER BY version;

-- name: put_version
INSERT INTO versions (model, version, parent, learner, cause, born_position, state, position) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (model, version) DO UPDATE SET state = excluded.state, position = excluded.position;

-- name: add_checkpoint
INSERT INTO checkpoints (model, version, position, chain, digest, watermark_ms, recipe, runtime, metrics, state, size, created_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: retire
WITH retired AS (UPDATE versions SET state = $4 WHERE model = $1 AND version = $2)
UPDATE checkpoints SET state = $4 WHERE model = $1 AND version = $2 AND position = $3;

-- name: checkpoints
SELECT model, version, checkpoints.position, chain, digest, watermark_ms, parent, learner, recipe, runtime, metrics, cause, born_position,
    checkpoints.state, size, created_at_ms
FROM checkpoints JOIN versions USING (model, version)
WHERE model = $1 AND ($2 = 0 OR version = $2) AND ($3 < 0 OR checkpoints.position = $3)
ORDER BY checkpoints.position DESC, version DESC LIMIT $4;

-- name: positions
SELECT position FROM checkpoints WHERE model = $1 AND version = $2 ORDER BY position DESC LIMIT 5;

-- name: models
SELECT DISTINCT model FROM versions ORDER BY model;

-- name: alias
SELECT model, alias, version, revision, cause, changed_at_ms FROM alias_changes
WHERE model = $1 AND alias = $2 ORDER BY revision DESC LIMIT 1;

-- name: aliases
SELECT DISTINCT ON (alias) model, alias, version, revision, cause, changed_at_ms FROM alias_changes
WHERE model = $1 ORDER BY alias, revision DESC;

-- name: alias_history
SELECT model, alias, version, revision, cause, changed_at_ms FROM alias_changes WHERE model = $1 ORDER BY revision DESC LIMIT $2;

-- name: alias_by_cause
SELECT model, alias, version, revision, cause, changed_at_ms FROM alias_changes WHERE model = $1 AND cause = $2;

-- name: add_alias
INSERT INTO alias_changes (model, revision, alias, version, cause, changed_at_ms)
SELECT $1, coalesce(max(revision), 0) + 1, $2, $3, $4, $5 FROM alias_changes WHERE model = $1
RETURNING model, alias, version, revision, cause, changed_at_ms;

-- name: proposal
SELECT version, taken FROM proposals WHERE model = $1 AND cause = $2;

-- name: add_proposal
INSERT INTO proposals (model, cause, version, position, champion, labels, difference, evidence, taken, reason, decided_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: schema
SELECT schema FROM schemas WHERE id = $1;

-- name: schemas
SELECT id, digest, schema FROM schemas ORDER BY id;

-- name: schema_id
SELECT id FROM schemas WHERE digest = $1;

-- name: add_schema
INSERT INTO schemas (digest, schema) VALUES ($1, $2) RETURNING id;

-- name: put_schema
INSERT INTO schemas (id, digest, schema) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3);

-- name: pass_ids
SELECT setval(pg_get_serial_sequence('schemas', 'id'), greatest((SELECT max(id) FROM schemas), (SELECT last_value FROM schemas_id_seq)));

-- name: set_digest
UPDATE schemas SET digest = $2 WHERE id = $1;

-- name: schema_uses
SELECT subject, version, deleted FROM subjects WHERE schema_id = $1 ORDER BY subject, version;

-- name: all_subjects
SELECT subject, bool_and(deleted) AS deleted FROM subjects GROUP BY subject ORDER BY subject;

-- name: subject_versions
SELECT version, schema_id AS id, schema, digest, deleted FROM subjects JOIN schemas ON id = schema_id WHERE subject = $1 ORDER BY version;

-- name: add_subject_version
INSERT INTO subjects (subject, version, schema_id) VALUES ($1, $2, $3);

-- name: put_subject_version
INSERT INTO subjects (subject, version, schema_id, deleted) VALUES ($1, $2, $3, $4);

-- name: delete_versions
UPDATE subjects SET deleted = true WHERE subject = $1 AND version = ANY ($2::integer[]);

-- name: forget_versions
DELETE FROM subjects WHERE subject = $1 AND version = ANY ($2::integer[]);

-- name: forget_subject
DELETE FROM subjects WHERE subject = $1;

-- name: level
SELECT level FROM compatibility WHERE subject = $1;

-- name: set_level
INSERT INTO compatibility (subject, level) VALUES ($1, $2) ON CONFLICT (subject) DO UPDATE SET level = excluded.level;

-- name: forget_level
DELETE FROM compatibility WHERE subject = $1;

-- name: told_revision
SELECT coalesce(max(revision), 0) FROM outbox WHERE kind = $1 AND name = $2;

-- name: put_told
INSERT INTO outbox (kind, name, revision, event_time_ms, body, sent) VALUES ($1, $2, $3, $4, $5, true);
