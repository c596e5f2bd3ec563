-- Since PostgreSQL 14 a trigram index also serves `=`, at a thousand times the price of a btree index, and
-- a list of some thousand keys was planned on it. A collation of its own keeps `=` away from it: POSIX
-- compares as "C" does, but only a comparison that names it can use the index. See src/db/listing.rs.
create index triggers_key_parts_idx on triggers using gin (merchant_id, key collate "POSIX" gin_trgm_ops);
drop index triggers_key_search_idx;
