-- A row can name a code that only a store that has it already may have, such as one with spaces.
alter table import_rows
    drop constraint import_rows_problem_known,
    add constraint import_rows_problem_known
        check (problem in ('more_cells', 'looks_changed', 'existing_only'));
comment on column import_rows.problem is 'Why the row was left out, where that is in no words: more_cells, it has more cells than the header; looks_changed, its code looks changed by a spreadsheet and was not confirmed; existing_only, new codes cannot be like its code and the import created new codes.';
