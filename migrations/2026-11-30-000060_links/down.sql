select set_config('vouch.scope', 'installation', true);

drop index applications_unconfirmed_idx;
alter table applications
    drop constraint applications_confirmed_whole,
    add column token_hash bytea,
    add column expires_at timestamptz;
update applications a set
    expires_at = coalesce(l.expires_at, a.sent_at),
    token_hash = case when a.confirmed_at is null then coalesce(l.token_hash, sha256(gen_random_uuid()::text::bytea)) end
from applications b left join links l
    on l.purpose = 'registration_confirmation' and l.about_merchant_id = b.merchant_id and l.subject_id = b.id and l.ended_at is null
where a.merchant_id = b.merchant_id and a.id = b.id;
alter table applications
    alter column expires_at set not null,
    add constraint applications_token_unique unique (merchant_id, token_hash),
    add constraint applications_confirmed_whole check (
        (confirmed_at is null) = (affiliate_id is null) and (confirmed_at is null) = (token_hash is not null));
create index applications_unconfirmed_idx on applications (expires_at) where confirmed_at is null;
comment on column applications.token_hash is 'SHA-256 of the token in the confirmation link; null once confirmed.';
comment on column applications.expires_at is 'The confirmation link works until then.';

create table portal_invitations (
    merchant_id bigint not null,
    affiliate_id bigint not null,
    token_hash bytea not null,
    sent_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint portal_invitations_pkey primary key (merchant_id, affiliate_id),
    constraint portal_invitations_affiliate_fkey foreign key (merchant_id, affiliate_id) references affiliates (merchant_id, id),
    constraint portal_invitations_token_unique unique (merchant_id, token_hash)
);
comment on table portal_invitations is 'The link by which an affiliate gets an account: the newest one, which replaces any before it.';
comment on column portal_invitations.token_hash is 'SHA-256 of the token in the link.';
comment on column portal_invitations.used_at is 'It works once.';
call protect_merchant_rows('portal_invitations');
insert into portal_invitations (merchant_id, affiliate_id, token_hash, sent_at, expires_at)
select about_merchant_id, subject_id, token_hash, created_at, expires_at
from links where purpose = 'portal_invitation' and ended_at is null;

alter table invitations add column token_hash bytea, add column expires_at timestamptz;
update invitations i set
    token_hash = coalesce(l.token_hash, sha256(gen_random_uuid()::text::bytea)),
    expires_at = coalesce(l.expires_at, i.sent_at)
from invitations b left join links l
    on l.purpose = 'member_invitation' and l.about_merchant_id = b.merchant_id and l.subject_id = b.id and l.ended_at is null
where i.merchant_id = b.merchant_id and i.id = b.id;
alter table invitations
    alter column token_hash set not null,
    alter column expires_at set not null,
    add constraint invitations_token_unique unique (merchant_id, token_hash);
comment on column invitations.token_hash is 'SHA-256 of the token in the link, which is kept nowhere. Another one each time the letter is sent.';
comment on column invitations.expires_at is 'The link works until then.';

create table password_resets (
    token_hash bytea not null,
    user_id bigint not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint password_resets_pkey primary key (token_hash),
    constraint password_resets_user_fkey foreign key (user_id) references users (id) on delete cascade
);
create index password_resets_user_idx on password_resets (user_id);
create index password_resets_expires_at_idx on password_resets (expires_at);
comment on table password_resets is 'Links by which people choose a new password; each goes with its use.';
comment on column password_resets.token_hash is 'SHA-256 of the token in the link, which is kept nowhere.';
insert into password_resets (token_hash, user_id, created_at, expires_at)
select token_hash, subject_id, created_at, expires_at from links where purpose = 'password_reset' and ended_at is null;

drop table links;
