create index triggers_key_search_idx on triggers using gin (merchant_id, key gin_trgm_ops);
drop index triggers_key_parts_idx;
