-- Every change of these tables is made under one lock (see ledger.py), with a row in audit and, where others must know, in outbox.

CREATE TABLE specs (
    kind text NOT NULL CHECK (kind IN ('stream', 'view', 'model')),
    name text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    body text NOT NULL,                            -- canonical JSON
    applied_at_ms bigint NOT NULL,
    PRIMARY KEY (kind, name, version)
);

CREATE TABLE blobs (
    digest text PRIMARY KEY,                       -- SHA-256 of data, hex
    data bytea NOT NULL,
    CHECK (digest = encode(sha256(data), 'hex'))
);
ALTER TABLE blobs ALTER COLUMN data SET STORAGE EXTERNAL;  -- models do not compress; do not try

CREATE TABLE versions (
    model text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    parent integer NOT NULL,                       -- 0: none
    learner text NOT NULL,
    cause text NOT NULL,
    born_position bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('live', 'retired')),
    position bigint NOT NULL,                      -- of the newest checkpoint
    PRIMARY KEY (model, version)
);

CREATE TABLE checkpoints (
    model text NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL CHECK (position >= 0),
    chain text NOT NULL,
    digest text NOT NULL REFERENCES blobs,
    watermark_ms bigint NOT NULL,
    recipe text NOT NULL,
    runtime text NOT NULL,
    metrics text NOT NULL,
    state text NOT NULL,
    size bigint NOT NULL,
    created_at_ms bigint NOT NULL,
    PRIMARY KEY (model, version, position),
    FOREIGN KEY (model, version) REFERENCES versions
);

CREATE TABLE alias_changes (                       -- the newest row of (model, alias) is the alias
    model text NOT NULL,
    revision bigint NOT NULL,                      -- of the model's aliases: 1, 2, 3 …
    alias text NOT NULL,
    version integer NOT NULL,
    cause text NOT NULL,
    changed_at_ms bigint NOT NULL,
    PRIMARY KEY (model, revision),
    UNIQUE (model, cause),
    FOREIGN KEY (model, version) REFERENCES versions
);
CREATE INDEX alias_changes_newest ON alias_changes (model, alias, revision DESC);

CREATE TABLE proposals (
    model text NOT NULL,
    cause text NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL,
    champion integer NOT NULL,
    labels bigint NOT NULL,
    difference double precision NOT NULL,
    evidence text NOT NULL,
    taken boolean NOT NULL,
    reason text NOT NULL,                          -- why it was refused
    decided_at_ms bigint NOT NULL,
    PRIMARY KEY (model, cause),
    FOREIGN KEY (model, version, position) REFERENCES checkpoints
);

CREATE TABLE schemas (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest text NOT NULL UNIQUE,                   -- SHA-256 of the canonical text: the same schema has one id under every subject
    schema text NOT NULL                           -- as it came
);

CREATE TABLE subjects (
    subject text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    schema_id integer NOT NULL REFERENCES schemas,
    PRIMARY KEY (subject, version),
    UNIQUE (subject, schema_id)
);

CREATE TABLE compatibility (
    subject text PRIMARY KEY,                      -- empty: all that have none of their own
    level text NOT NULL
);

CREATE TABLE audit (
    sequence bigint PRIMARY KEY,
    body text NOT NULL,                            -- canonical JSON
    hash bytea NOT NULL                            -- SHA-256(hash of the row before ‖ body)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is only appended to'; END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit EXECUTE FUNCTION refuse_change();

CREATE TABLE outbox (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- given under the lock, so it is the order of the commits
    kind text NOT NULL,
    name text NOT NULL,
    revision bigint NOT NULL,
    event_time_ms bigint NOT NULL,
    body text NOT NULL,
    sent boolean NOT NULL DEFAULT false
);
CREATE INDEX outbox_pending ON outbox (sequence) WHERE NOT sent;
CREATE INDEX outbox_key ON outbox (kind, name, sequence);
