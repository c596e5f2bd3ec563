-- What the processes of an instance have in common: the secret key, and which of them serve.
create table instance_key (
    is_only boolean not null default true,
    fingerprint bytea not null,
    recorded_at timestamptz not null,
    constraint instance_key_pkey primary key (is_only),
    constraint instance_key_one_row check (is_only)
);
comment on table instance_key is 'Which secret key the encrypted columns are encrypted with: one row, from the first start with a key that decrypts them.';
comment on column instance_key.fingerprint is 'HMAC-SHA-256 of the key over a fixed label, 16 bytes: the key can not be worked out from it.';

create table server_processes (
    id bigint not null,
    host text not null,
    pid integer not null,
    version text not null,
    started_at timestamptz not null,
    seen_at timestamptz not null,
    constraint server_processes_pkey primary key (id)
);
comment on table server_processes is 'The processes of `vouch serve`: each says every few seconds that it runs, by the clock of the database. One that was killed leaves its row until another removes it.';
comment on column server_processes.id is 'A random number that the process chose.';
