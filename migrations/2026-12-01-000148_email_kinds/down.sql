alter table emails
    drop constraint emails_one_text,
    drop constraint emails_one_problem;

select set_config('vouch.scope', 'installation', true);
-- Text of a newer version can't be sent by an earlier one.
update emails set failed_at = now(), link_encrypted = null
    where content is not null and delivered_at is null and failed_at is null;
update emails set last_error = 'See the log.' where problem is not null;
update emails set subject = 'Email from Vouch' where subject is null;
select set_config('vouch.scope', '', true);

alter table emails
    drop column content,
    drop column problem,
    drop column reply_to,
    drop column text_deleted_at,
    alter column subject set not null;
comment on column emails.subject is null;
comment on column emails.paragraphs is 'An array of text; null once it is sent, or too old to be.';
comment on column emails.link_label is null;
comment on column emails.last_error is null;
