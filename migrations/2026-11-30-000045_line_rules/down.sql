-- The rows that began with this migration stay: without its columns they say what the ones before say.
alter table calculation_rules
    drop column orders_count_when,
    drop column gift_cards_earn,
    drop column tips_earn,
    drop column negative_fees;
