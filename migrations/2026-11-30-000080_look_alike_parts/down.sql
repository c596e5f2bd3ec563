create index triggers_look_alike_search_idx on triggers
    using gin (merchant_id, look_alike gin_trgm_ops) where look_alike is not null;
drop index triggers_look_alike_parts_idx;
