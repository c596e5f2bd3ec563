drop policy ends_ledger on conversions;
drop policy within_ledger on commission_entries;
drop index conversions_ledger_idx;
create index commission_entries_conversion_idx on commission_entries (merchant_id, conversion_id, id);
alter table conversions
    drop constraint conversions_ledger_fkey,
    drop constraint conversions_ledger_currency,
    drop constraint conversions_ledger_named,
    drop constraint conversions_entries_counted;
alter table commission_entries
    drop constraint commission_entries_prior_fkey,
    drop constraint commission_entries_adds_up,
    drop constraint commission_entries_prior_named,
    drop constraint commission_entries_seq_counted,
    drop constraint commission_entries_balance_unique,
    drop constraint commission_entries_seq_unique,
    drop column prior_balance_minor,
    drop column prior_seq,
    drop column prior_currency,
    drop column balance_minor,
    drop column seq;
alter table conversions
    drop column ledger_currency,
    drop column entries;
