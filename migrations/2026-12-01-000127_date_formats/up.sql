-- Whether a merchant's pages show Mar 3, 2026, 3 Mar 2026 or 2026-03-03.
alter table merchants
    add column date_format text not null default 'month_first',
    add constraint merchants_date_format_known check (date_format in ('month_first', 'day_first', 'year_first'));
