-- As triggers_key_parts_idx: out of reach of `=`.
create index triggers_look_alike_parts_idx on triggers
    using gin (merchant_id, look_alike collate "POSIX" gin_trgm_ops) where look_alike is not null;
drop index triggers_look_alike_search_idx;
