-- A form that is sent twice is carried out once: by a double click, by going back, or to two servers.
create table form_answers (
    key_hash bytea not null,
    claimed_at timestamptz not null,
    location text,
    constraint form_answers_pkey primary key (key_hash),
    constraint form_answers_location_length check (char_length(location) between 1 and 2000)
);
create index form_answers_claimed_idx on form_answers (claimed_at);
comment on table form_answers is 'Forms that are being carried out, and where those that were led to. Kept for a day.';
comment on column form_answers.key_hash is 'SHA-256 of who sent it, where to, the random number of the page, and all that was typed. The number is kept nowhere, so what was typed cannot be found out.';
comment on column form_answers.claimed_at is 'Since when it is carried out. One without an answer is carried out again half a minute later.';
comment on column form_answers.location is 'Where its answer leads; null while it is carried out.';
