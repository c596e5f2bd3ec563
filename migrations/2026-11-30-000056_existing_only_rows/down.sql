select set_config('vouch.scope', 'installation', true);
update import_rows
    set problem = null, refusal = 'A new code can’t look like this one.'
    where problem = 'existing_only';
select set_config('vouch.scope', '', true);
alter table import_rows
    drop constraint import_rows_problem_known,
    add constraint import_rows_problem_known check (problem in ('more_cells', 'looks_changed'));
comment on column import_rows.problem is 'Why the row was left out, where that is in no words: more_cells, it has more cells than the header; looks_changed, its code looks changed by a spreadsheet and was not confirmed.';
