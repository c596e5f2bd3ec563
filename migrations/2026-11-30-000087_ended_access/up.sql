-- What ended access before it ended these, and the reasons that only support staff may read.
select set_config('vouch.scope', 'installation', true);

update invitations i set withdrawn_at = now()
where i.accepted_at is null and i.withdrawn_at is null
    and not exists (
        select from members m join users u on u.id = m.user_id
        where m.merchant_id = i.merchant_id and m.user_id = i.invited_by and m.role = 'owner' and u.disabled_at is null
    );

update links l set ended_at = now(), ended_by = 'withdrawn'
where l.ended_at is null and (
    exists (select from merchants m where m.id = l.about_merchant_id and m.closed_at is not null)
    or l.purpose = 'member_invitation' and exists (
        select from invitations i
        where i.merchant_id = l.about_merchant_id and i.id = l.subject_id and i.withdrawn_at is not null
    )
    or l.purpose = 'portal_invitation' and exists (
        select from affiliates a
        where a.merchant_id = l.about_merchant_id and a.id = l.subject_id and a.status = 'denied'
    )
);

update api_keys k set revoked_at = now()
where k.revoked_at is null and (
    exists (select from merchants m where m.id = k.merchant_id and m.closed_at is not null)
    or exists (select from users u where u.id = k.created_by and u.disabled_at is not null)
);

-- The reason stands in instance_log.
select set_config('vouch.erasing', 'on', true);
update audit_log
set summary = case
        when right(summary, length(after->>'reason') + 2) = ': ' || (after->>'reason')
        then left(summary, -(length(after->>'reason') + 2)) || '.'
        else summary
    end,
    after = null
where actor_kind in ('support', 'system') and after ? 'reason'
    and action in ('member.disabled', 'member.enabled', 'member.support_removed', 'merchant.closed', 'merchant.reopened', 'api_key.revoked');
select set_config('vouch.erasing', '', true);
