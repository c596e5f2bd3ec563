create index commission_entries_conversion_idx on commission_entries (merchant_id, conversion_id, id);
alter table conversions
    drop constraint conversions_ledger_fkey,
    drop constraint conversions_ledger_currency,
    drop constraint conversions_ledger_named,
    drop constraint conversions_entries_counted;
alter table commission_entries
    drop constraint commission_entries_conversion_fkey,
    drop constraint commission_entries_prior_fkey,
    drop constraint commission_entries_adds_up,
    drop constraint commission_entries_prior_named,
    drop constraint commission_entries_seq_in_ledger,
    drop constraint commission_entries_balance_unique,
    drop constraint commission_entries_seq_unique,
    add constraint commission_entries_conversion_fkey foreign key (merchant_id, conversion_id) references conversions (merchant_id, id),
    drop column prior_balance_minor,
    drop column prior_seq,
    drop column ledger_length,
    drop column prior_currency,
    drop column balance_minor,
    drop column seq;
alter table conversions
    drop constraint conversions_entries_unique,
    drop column ledger_currency,
    drop column entries;
