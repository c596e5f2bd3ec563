-- What an email says, and why sending it failed, are codes with parameters. Earlier rows keep their text.
alter table emails
    alter column subject drop not null,
    add column content jsonb,
    add column problem jsonb,
    add column reply_to text,
    add column text_deleted_at timestamptz;
-- Not validated, so that they don't read the whole table. The new columns are empty anyway.
alter table emails
    add constraint emails_one_text check ((subject is null) <> (content is null)) not valid,
    add constraint emails_one_problem check (last_error is null or problem is null) not valid;
comment on column emails.subject is 'As an earlier version wrote it; null where content has its parameters.';
comment on column emails.paragraphs is 'An array of text, as an earlier version wrote it; null once the text is deleted.';
comment on column emails.link_label is 'As an earlier version wrote it.';
comment on column emails.content is 'What it says: a code with parameters, of which those that only the text needs are deleted with the text.';
comment on column emails.last_error is 'Why the last attempt failed, as a sentence of an earlier version.';
comment on column emails.problem is 'Why the last attempt failed: a code with parameters.';
comment on column emails.reply_to is 'The contact email of the merchant, where the text invites the recipient to reply.';
comment on column emails.text_deleted_at is 'When its text was deleted: it was sent, or is too old to be sent.';

select set_config('vouch.scope', 'installation', true);
update emails set text_deleted_at = coalesce(delivered_at, failed_at, created_at) where paragraphs is null;
select set_config('vouch.scope', '', true);
