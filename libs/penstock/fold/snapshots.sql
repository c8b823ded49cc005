-- name: create_snapshots
create table if not exists fold_snapshots (
    fold         text        not null,
    partition    integer     not null,
    generation   integer     not null,
    epoch        integer     not null,
    sequence     bigint      not null,   -- records folded: the sum of the next offsets
    state        bytea       not null,
    digest       bytea       not null,   -- SHA-256 over everything here and the digests of the segments
    next_offsets jsonb       not null,   -- topic → offset
    tails        jsonb       not null,   -- topic → [offset, SHA-256] of the last record folded
    segments     jsonb       not null,   -- [[id, SHA-256], …] in order
    counts       jsonb       not null default '{}',  -- what the fold has counted, by name
    stored_at    timestamptz not null default now(),
    primary key (fold, partition, generation, epoch, sequence)
);

-- name: create_segments
create table if not exists fold_segments (
    fold       text    not null,
    partition  integer not null,
    generation integer not null,
    id         text    not null,
    data       bytea   not null,
    primary key (fold, partition, generation, id)
);

-- name: add_counts
alter table fold_snapshots add column if not exists counts jsonb not null default '{}';

-- name: lock
select pg_advisory_xact_lock(hashtextextended($1 || '/' || $2::integer || '/' || $3::integer, 0));

-- name: present
select id from fold_segments where fold = $1 and partition = $2 and generation = $3 and id = any($4::text[]);

-- name: insert_segment
insert into fold_segments (fold, partition, generation, id, data) values ($1, $2, $3, $4, $5);

-- name: insert_snapshot
insert into fold_snapshots (fold, partition, generation, epoch, sequence, state, digest, next_offsets, tails, segments, counts, stored_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, to_timestamp($12))
on conflict (fold, partition, generation, epoch, sequence) do update
set state = excluded.state, digest = excluded.digest, next_offsets = excluded.next_offsets, tails = excluded.tails,
    segments = excluded.segments, counts = excluded.counts;

-- name: steps
select epoch, sequence, extract(epoch from stored_at)::double precision from fold_snapshots
where fold = $1 and partition = $2 and generation = $3;

-- name: delete_snapshot
delete from fold_snapshots where fold = $1 and partition = $2 and generation = $3 and epoch = $4 and sequence = $5;

-- name: delete_orphan_segments
delete from fold_segments
where fold = $1 and partition = $2 and generation = $3 and id not in (
    select entry ->> 0 from fold_snapshots, jsonb_array_elements(segments) as entry
    where fold = $1 and partition = $2 and generation = $3
);

-- name: folds
select distinct fold, partition, generation from fold_snapshots order by fold, partition, generation;

-- name: newest
select epoch, sequence from fold_snapshots
where fold = $1 and partition = $2 and generation = $3
order by epoch desc, sequence desc;

-- name: load_snapshot
select state, digest, next_offsets, tails, segments, counts from fold_snapshots
where fold = $1 and partition = $2 and generation = $3 and epoch = $4 and sequence = $5;

-- name: load_segments
select id, data from fold_segments where fold = $1 and partition = $2 and generation = $3 and id = any($4::text[]);
