-- The addresses an affiliate is known by, dated; email addresses compared by their mailbox; and
-- triggers that go to another affiliate at a time to come.

create table affiliate_emails (
    merchant_id bigint not null,
    affiliate_id bigint not null,
    kind text not null,
    valid_from timestamptz not null,
    valid_until timestamptz,
    emails text[] not null,
    constraint affiliate_emails_pkey primary key (merchant_id, affiliate_id, kind, valid_from),
    constraint affiliate_emails_affiliate_fkey foreign key (merchant_id, affiliate_id) references affiliates (merchant_id, id),
    constraint affiliate_emails_kind_known check (kind in ('own', 'payout')),
    constraint affiliate_emails_period check (valid_until is null or valid_until > valid_from),
    constraint affiliate_emails_whole_seconds check (
        valid_from = date_trunc('second', valid_from) and valid_until = date_trunc('second', valid_until)),
    constraint affiliate_emails_no_overlap exclude using gist
        (merchant_id with =, affiliate_id with =, kind with =, tstzrange(valid_from, valid_until) with &&)
);
comment on table affiliate_emails is 'The email addresses of an affiliate, and when: an order by one that was known when it was placed is the affiliate''s own purchase. The address an affiliate was created with counts for orders of any age; one that was given up counts on.';
comment on column affiliate_emails.kind is 'own: the address Vouch and the merchant write to; payout: those in the payout details.';
comment on column affiliate_emails.valid_until is 'Exclusive; null while in force.';
comment on column affiliate_emails.emails is 'As typed.';
call protect_merchant_rows('affiliate_emails');

select set_config('vouch.scope', 'installation', true);

-- What the audit log tells of earlier addresses: each change with what was before and what came. Of
-- several in one second, the last counts.
with changes as (
    select distinct on (l.merchant_id, l.subject_id, date_trunc('second', l.at))
        l.merchant_id, l.subject_id as affiliate_id, date_trunc('second', l.at) as at,
        l.after ->> 'e-mail' as email
    from audit_log l join affiliates a on a.merchant_id = l.merchant_id and a.id = l.subject_id
    where l.action = 'affiliate.changed' and l.subject_kind = 'affiliate' and l.after ? 'e-mail'
    order by l.merchant_id, l.subject_id, date_trunc('second', l.at), l.id desc
), firsts as (
    select a.merchant_id, a.id as affiliate_id, timestamptz 'epoch' as at,
        coalesce((select l.before ->> 'e-mail' from audit_log l
            where l.merchant_id = a.merchant_id and l.subject_kind = 'affiliate' and l.subject_id = a.id
                and l.action = 'affiliate.changed' and l.before ? 'e-mail'
            order by l.id limit 1), a.email) as email
    from affiliates a
), periods as (
    select *, lead(at) over (partition by merchant_id, affiliate_id order by at) as ends
    from (select * from firsts union all select * from changes) as known
)
insert into affiliate_emails (merchant_id, affiliate_id, kind, valid_from, valid_until, emails)
select merchant_id, affiliate_id, 'own', at, ends, array[email] from periods where email is not null;

-- Payout details are free text: what looks like an address in them.
with changes as (
    select distinct on (l.merchant_id, l.subject_id, date_trunc('second', l.at))
        l.merchant_id, l.subject_id as affiliate_id, date_trunc('second', l.at) as at,
        l.after ->> 'payment address' as details
    from audit_log l join affiliates a on a.merchant_id = l.merchant_id and a.id = l.subject_id
    where l.action = 'affiliate.changed' and l.subject_kind = 'affiliate' and l.after ? 'payment address'
    order by l.merchant_id, l.subject_id, date_trunc('second', l.at), l.id desc
), periods as (
    select *, lead(at) over (partition by merchant_id, affiliate_id order by at) as ends
    from changes
), known as (
    select p.*, (select array_agg(distinct rtrim(word, '.')) from regexp_split_to_table(p.details, '[\s<>(),;:"\[\]\\]+') as word
        where rtrim(word, '.') ~ '^[^@]+@[^@.]+(\.[^@.]+)+$') as emails
    from periods p
)
insert into affiliate_emails (merchant_id, affiliate_id, kind, valid_from, valid_until, emails)
select merchant_id, affiliate_id, 'payout', at, ends, emails from known where emails is not null;

-- The same rules as src/triggers/mailbox.rs, for keys that are folded already.
create function pg_temp.readable(label text) returns text
    language plpgsql immutable
    as $$
-- RFC 3492, section 6.2.
declare
    body text := substr(label, 5);
    basic integer := length(substr(label, 5)) - strpos(reverse(substr(label, 5)), '-');
    output text := '';
    place integer := 1;
    code integer := 128;
    spot bigint := 0;
    bias integer := 72;
    old bigint;
    weight bigint;
    step integer;
    digit integer;
    bound integer;
    delta bigint;
begin
    if strpos(body, '-') > 0 then
        output := substr(body, 1, basic);
        place := basic + 2;
    end if;
    while place <= length(body) loop
        old := spot;
        weight := 1;
        step := 36;
        loop
            digit := strpos('abcdefghijklmnopqrstuvwxyz0123456789', substr(body, place, 1)) - 1;
            if digit < 0 or place > length(body) then
                return label;
            end if;
            place := place + 1;
            spot := spot + digit * weight;
            bound := least(greatest(step - bias, 1), 26);
            exit when digit < bound;
            weight := weight * (36 - bound);
            step := step + 36;
        end loop;
        delta := case when old = 0 then (spot - old) / 700 else (spot - old) / 2 end;
        delta := delta + delta / (length(output) + 1);
        bias := 0;
        while delta > 455 loop
            delta := delta / 35;
            bias := bias + 36;
        end loop;
        bias := bias + (36 * delta) / (delta + 38);
        code := code + spot / (length(output) + 1);
        spot := spot % (length(output) + 1);
        output := overlay(output placing chr(code) from (spot + 1)::integer for 0);
        spot := spot + 1;
    end loop;
    return output;
exception when others then
    return label;
end
$$;
create function pg_temp.mailbox(address text) returns text
    language plpgsql immutable
    as $$
declare
    name text := substr(address, 1, strpos(address, '@') - 1);
    domain text := substr(address, strpos(address, '@') + 1);
begin
    if domain ~ '(^|\.)xn--' then
        select string_agg(case when label like 'xn--%' then pg_temp.readable(label) else label end, '.' order by place)
            into domain from regexp_split_to_table(domain, '\.') with ordinality as parts (label, place);
    end if;
    domain := case
        when domain = 'googlemail.com' then 'gmail.com'
        when domain in ('me.com', 'mac.com') then 'icloud.com'
        when domain in ('protonmail.com', 'pm.me') then 'proton.me'
        when domain in ('ya.ru', 'yandex.by', 'yandex.com', 'yandex.kz') then 'yandex.ru'
        else domain
    end;
    if strpos(name, '+') > 1 then
        name := substr(name, 1, strpos(name, '+') - 1);
    end if;
    if domain = 'gmail.com' and replace(name, '.', '') <> '' then
        name := replace(name, '.', '');
    end if;
    return name || '@' || domain;
end
$$;

-- Triggers that are one mailbox now: the one that is not retired keeps it, of several the oldest. The
-- others keep their value and are found by it, but match no order any more: so they're retired, under
-- a key that no address has, and the audit log of their merchant says so.
create temporary table collapsed on commit drop as
    select t.merchant_id, t.id, t.value, t.key, t.retired_at, pg_temp.mailbox(t.key) as mailbox,
        first_value(t.id) over one as kept_id, row_number() over one as place
    from triggers t where t.kind = 'customer_email'
    window one as (partition by t.merchant_id, pg_temp.mailbox(t.key)
        order by t.retired_at is not null, t.created_at, t.id);
update triggers t
    set key = t.key || ' ' || t.id, retired_at = coalesce(t.retired_at, date_trunc('second', now()))
    from collapsed c where c.merchant_id = t.merchant_id and c.id = t.id and c.place > 1;
update triggers t set key = c.mailbox
    from collapsed c where c.merchant_id = t.merchant_id and c.id = t.id and c.place = 1 and c.mailbox <> c.key;
insert into audit_log (merchant_id, actor_kind, actor_name, action, subject_kind, subject_id, summary, before, after)
    select merchant_id, 'system', 'Vouch', 'trigger.retired', 'trigger', id,
        'Retired Customer Email ' || value || ': another trigger has the same mailbox.',
        jsonb_build_object('retired_at', null),
        jsonb_build_object('retired_at', date_trunc('second', now()), 'same_mailbox_as', kept_id)
    from collapsed where place > 1 and retired_at is null;

-- Only keys that can change are looked at closely.
update orders set customer_email_key = pg_temp.mailbox(customer_email_key)
    where customer_email_key ~ '[+]|xn--|@(gmail|googlemail|me|mac|protonmail|yandex)[.]com$|@pm[.]me$|@ya[.]ru$|@yandex[.](by|kz)$'
        and customer_email_key <> pg_temp.mailbox(customer_email_key);

select set_config('vouch.scope', '', true);

comment on column triggers.key is 'As compared: outer space cut, NFKC, upper case; an email address by its mailbox, in lower case. Sorted by its bytes, so that the beginning of a key can be looked up in an index.';
comment on column orders.customer_email_key is 'As Customer Email triggers have it: the mailbox.';

-- A handover that is scheduled: its period is in trigger_owners already, and a worker writes the new
-- holder when the time has come.
alter table triggers add column handover_at timestamptz;
create index triggers_handover_idx on triggers (handover_at) where handover_at is not null;
comment on column triggers.handover_at is 'When it goes to another affiliate, if that is scheduled.';
