select set_config('vouch.scope', 'installation', true);
update import_rows
set refusal = case problem
    when 'more_cells' then 'The row has more cells than the header.'
    else 'It looks changed by a spreadsheet.'
end
where problem is not null and refusal is null
    and exists (
        select from imports
        where imports.merchant_id = import_rows.merchant_id
            and imports.id = import_rows.import_id
            and imports.completed_at is not null
    );
update import_rows
set affiliate = coalesce(nullif(named_id, ''), nullif(named_email, ''), affiliate);
select set_config('vouch.scope', '', true);

alter table import_rows
    drop constraint import_rows_problem_known,
    drop column problem,
    drop column named_email,
    drop column named_id;
comment on column import_rows.affiliate is 'The affiliate ID or e-mail address, as in the file.';
comment on column import_rows.kind is 'The type, as in the file.';
comment on column import_rows.refusal is 'Why it was refused when the file was saved; null before that.';

alter table imports
    drop constraint imports_changed_count,
    drop column changed_count,
    drop column reading;
