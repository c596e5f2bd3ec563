-- Files name affiliates in several columns, come in several encodings, and have codes that a
-- spreadsheet has changed.
alter table imports
    add column reading jsonb,
    add column changed_count integer not null default 0,
    add constraint imports_changed_count check (changed_count between 0 and created_count);
comment on column imports.reading is 'How the file was read: its encoding, which column was used for what, and which were not; null for files from before that was kept.';
comment on column imports.changed_count is 'How many of the created triggers look changed by a spreadsheet, which a member confirmed.';

alter table import_rows
    add column named_id text not null default '',
    add column named_email text not null default '',
    add column problem text,
    add constraint import_rows_problem_known check (problem in ('more_cells', 'looks_changed'));
comment on column import_rows.affiliate is 'The affiliate ID, email address or name, as in the file, where one column has any of them.';
comment on column import_rows.named_id is 'The affiliate ID, as in the file, where a column has only that. It wins over the column affiliate.';
comment on column import_rows.named_email is 'The email address of the affiliate, as in the file, where a column has only that. It wins over the column affiliate.';
comment on column import_rows.kind is 'The type, as in the file, or as the name of the column with the values says.';
comment on column import_rows.problem is 'Why the row was left out, where that is in no words: more_cells, it has more cells than the header; looks_changed, its code looks changed by a spreadsheet and was not confirmed.';
comment on column import_rows.refusal is 'Why it was refused when the file was saved; null before that, and where problem says it.';
