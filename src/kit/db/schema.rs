// @generated automatically by Diesel CLI.

diesel::table! {
    affiliate_daily_rollups (merchant_id, affiliate_id, day, currency) {
        merchant_id -> Int8,
        affiliate_id -> Int8,
        day -> Date,
        #[max_length = 3]
        currency -> Bpchar,
        conversions -> Int8,
        revenue_minor -> Int8,
        discount_minor -> Int8,
        refunded_minor -> Int8,
        commission_minor -> Int8,
    }
}

diesel::table! {
    affiliate_emails (merchant_id, affiliate_id, kind, valid_from) {
        merchant_id -> Int8,
        affiliate_id -> Int8,
        kind -> Text,
        valid_from -> Timestamptz,
        valid_until -> Nullable<Timestamptz>,
        emails -> Array<Nullable<Text>>,
    }
}

diesel::table! {
    affiliate_terms (merchant_id, affiliate_id, valid_from) {
        merchant_id -> Int8,
        affiliate_id -> Int8,
        valid_from -> Timestamptz,
        valid_until -> Nullable<Timestamptz>,
        status -> Text,
        offer_id -> Int8,
    }
}

diesel::table! {
    affiliates (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        public_id -> Text,
        user_id -> Nullable<Int8>,
        name -> Text,
        email -> Text,
        email_key -> Text,
        status -> Text,
        offer_id -> Int8,
        note -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        name_key -> Text,
        search -> Text,
        payout_details -> Text,
        erased_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    api_keys (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        name -> Text,
        hint -> Text,
        token_hash -> Bytea,
        created_by -> Int8,
        created_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        scopes -> Array<Nullable<Text>>,
        expires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    applications (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        name -> Text,
        email -> Text,
        email_key -> Text,
        code -> Nullable<Text>,
        answers -> Jsonb,
        agreed_to -> Text,
        sent_at -> Timestamptz,
        confirmed_at -> Nullable<Timestamptz>,
        affiliate_id -> Nullable<Int8>,
        welcomed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    audit_log (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        at -> Timestamptz,
        actor_kind -> Text,
        actor_user_id -> Nullable<Int8>,
        actor_name -> Text,
        action -> Text,
        subject_kind -> Text,
        subject_id -> Nullable<Int8>,
        summary -> Nullable<Text>,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
        came_from -> Nullable<Text>,
        erased_at -> Nullable<Timestamptz>,
        params -> Nullable<Jsonb>,
    }
}

diesel::table! {
    backfills (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        store_id -> Int8,
        period_from -> Timestamptz,
        period_until -> Timestamptz,
        requested_by -> Text,
        requested_at -> Timestamptz,
        cursor -> Nullable<Text>,
        read_count -> Int8,
        new_count -> Int8,
        changed_count -> Int8,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    calculation_rules (merchant_id, valid_from) {
        merchant_id -> Int8,
        valid_from -> Timestamptz,
        valid_until -> Nullable<Timestamptz>,
        precedence -> Text,
        include_tax -> Bool,
        include_shipping -> Bool,
        orders_count_when -> Text,
        gift_cards_earn -> Bool,
        tips_earn -> Bool,
        negative_fees -> Text,
    }
}

diesel::table! {
    code_requests (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        affiliate_id -> Int8,
        code -> Text,
        code_key -> Text,
        status -> Text,
        requested_at -> Timestamptz,
        decided_at -> Nullable<Timestamptz>,
        trigger_id -> Nullable<Int8>,
        origin -> Text,
        reason -> Text,
    }
}

diesel::table! {
    code_sync_results (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        code_sync_id -> Int8,
        key -> Text,
        code -> Text,
        trigger_id -> Nullable<Int8>,
        status -> Nullable<Text>,
        state -> Nullable<Text>,
        same_rules -> Bool,
        rules -> Text,
        admin_url -> Nullable<Text>,
        marked_for -> Nullable<Int8>,
    }
}

diesel::table! {
    code_syncs (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        store_id -> Int8,
        requested_by -> Nullable<Text>,
        requested_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        advanced_at -> Nullable<Timestamptz>,
        cursor -> Nullable<Text>,
        creates_codes -> Bool,
        discount_rules -> Nullable<Jsonb>,
        counted_codes -> Array<Nullable<Text>>,
        read_count -> Int8,
        other_count -> Int8,
        in_sync_count -> Int8,
        missing_count -> Int8,
        store_only_count -> Int8,
        inactive_count -> Int8,
        different_count -> Int8,
        retired_count -> Int8,
        rerun_requested_by -> Nullable<Text>,
        problem -> Nullable<Text>,
        finished_at -> Nullable<Timestamptz>,
        is_shown -> Bool,
        reason -> Nullable<Jsonb>,
    }
}

diesel::table! {
    commission_entries (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        conversion_id -> Int8,
        kind -> Text,
        amount_minor -> Int8,
        #[max_length = 3]
        currency -> Bpchar,
        at -> Timestamptz,
        delivery_id -> Nullable<Int8>,
        cause -> Nullable<Text>,
        seq -> Int4,
        balance_minor -> Int8,
        #[max_length = 3]
        prior_currency -> Nullable<Bpchar>,
        prior_seq -> Nullable<Int4>,
        prior_balance_minor -> Nullable<Int8>,
        reason -> Nullable<Jsonb>,
    }
}

diesel::table! {
    conversions (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        order_id -> Nullable<Int8>,
        affiliate_id -> Int8,
        trigger_id -> Nullable<Int8>,
        offer_id -> Nullable<Int8>,
        via -> Text,
        #[max_length = 3]
        currency -> Bpchar,
        revenue_minor -> Int8,
        discount_minor -> Int8,
        refunded_minor -> Int8,
        commission_minor -> Int8,
        occurred_at -> Timestamptz,
        day -> Date,
        note -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        entries -> Int4,
        #[max_length = 3]
        ledger_currency -> Nullable<Bpchar>,
        review -> Nullable<Text>,
        reviewed_by -> Nullable<Text>,
        reviewed_at -> Nullable<Timestamptz>,
        denial_reason -> Nullable<Text>,
        review_note -> Text,
        unqualified_reason -> Nullable<Text>,
        auto_approve -> Bool,
        not_paid_yet -> Bool,
        is_fraud -> Bool,
        shared_revenue_minor -> Int8,
        shared_refunded_minor -> Int8,
        status -> Text,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    daily_rollups (merchant_id, day, currency, shard) {
        merchant_id -> Int8,
        day -> Date,
        #[max_length = 3]
        currency -> Bpchar,
        shard -> Int2,
        orders -> Int8,
        conversions -> Int8,
        revenue_minor -> Int8,
        discount_minor -> Int8,
        refunded_minor -> Int8,
        commission_minor -> Int8,
    }
}

diesel::table! {
    data_requests (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        store_id -> Int8,
        request_ref -> Text,
        email -> Text,
        order_refs -> Array<Nullable<Text>>,
        received_at -> Timestamptz,
        completed_at -> Nullable<Timestamptz>,
        completed_by -> Nullable<Int8>,
    }
}

diesel::table! {
    deliveries (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        store_id -> Int8,
        topic -> Text,
        delivery_ref -> Text,
        received_at -> Timestamptz,
        is_test -> Bool,
        outcome -> Text,
        detail -> Nullable<Text>,
        order_id -> Nullable<Int8>,
        body_gzip -> Nullable<Bytea>,
        replayed_at -> Nullable<Timestamptz>,
        awaited_ref -> Nullable<Text>,
        sent_at -> Nullable<Timestamptz>,
        reported_at -> Nullable<Timestamptz>,
        clamped_times -> Array<Nullable<Text>>,
        notes -> Jsonb,
        reason -> Nullable<Jsonb>,
    }
}

diesel::table! {
    delivery_failures (merchant_id, delivery_id) {
        merchant_id -> Int8,
        delivery_id -> Int8,
        reason -> Text,
        build -> Text,
    }
}

diesel::table! {
    derived_keys (name) {
        name -> Text,
        version -> Int4,
    }
}

diesel::table! {
    emails (id) {
        id -> Int8,
        message_id -> Text,
        recipient -> Text,
        subject -> Nullable<Text>,
        program -> Text,
        paragraphs -> Nullable<Jsonb>,
        link_label -> Nullable<Text>,
        link_path -> Nullable<Text>,
        link_encrypted -> Nullable<Bytea>,
        created_at -> Timestamptz,
        last_error -> Nullable<Text>,
        delivered_at -> Nullable<Timestamptz>,
        failed_at -> Nullable<Timestamptz>,
        about_merchant_id -> Nullable<Int8>,
        content -> Nullable<Jsonb>,
        problem -> Nullable<Jsonb>,
        reply_to -> Nullable<Text>,
        text_deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    erased_emails (merchant_id, email_hash) {
        merchant_id -> Int8,
        email_hash -> Bytea,
        erased_at -> Timestamptz,
    }
}

diesel::table! {
    exclusion_periods (merchant_id, valid_from) {
        merchant_id -> Int8,
        valid_from -> Timestamptz,
        valid_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    exclusion_terms (merchant_id, exclusion_id, valid_from) {
        merchant_id -> Int8,
        exclusion_id -> Int8,
        valid_from -> Timestamptz,
        valid_until -> Nullable<Timestamptz>,
        key -> Text,
        anchor -> Text,
        starts_at -> Nullable<Timestamptz>,
        ends_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    exclusions (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        value -> Text,
        key -> Text,
        shape -> Text,
        anchor -> Text,
        note -> Text,
        scope -> Text,
        starts_on -> Nullable<Date>,
        ends_on -> Nullable<Date>,
        starts_at -> Nullable<Timestamptz>,
        ends_at -> Nullable<Timestamptz>,
        added_at -> Timestamptz,
        added_by -> Text,
        removed_at -> Nullable<Timestamptz>,
        search -> Text,
        twin -> Int2,
    }
}

diesel::table! {
    form_responses (key_hash) {
        key_hash -> Bytea,
        claimed_at -> Timestamptz,
        location -> Nullable<Text>,
    }
}

diesel::table! {
    import_rows (merchant_id, import_id, line) {
        merchant_id -> Int8,
        import_id -> Int8,
        line -> Int4,
        affiliate -> Text,
        kind -> Text,
        value -> Text,
        refusal -> Nullable<Text>,
        named_id -> Text,
        named_email -> Text,
        problem -> Nullable<Text>,
    }
}

diesel::table! {
    imports (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        file_name -> Text,
        row_count -> Int4,
        uploaded_at -> Timestamptz,
        uploaded_by -> Text,
        completed_at -> Nullable<Timestamptz>,
        completed_by -> Nullable<Text>,
        created_count -> Int4,
        despite_count -> Int4,
        reading -> Nullable<Jsonb>,
        changed_count -> Int4,
        run -> Nullable<Jsonb>,
    }
}

diesel::table! {
    instance_key (is_only) {
        is_only -> Bool,
        fingerprint -> Bytea,
        recorded_at -> Timestamptz,
    }
}

diesel::table! {
    instance_log (id) {
        id -> Int8,
        at -> Timestamptz,
        actor_kind -> Text,
        actor_user_id -> Nullable<Int8>,
        actor_name -> Text,
        came_from -> Nullable<Text>,
        action -> Text,
        subject_id -> Nullable<Int8>,
        details -> Jsonb,
    }
}

diesel::table! {
    invitations (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        email -> Text,
        email_key -> Text,
        role -> Text,
        invited_by -> Int8,
        created_at -> Timestamptz,
        sent_at -> Timestamptz,
        accepted_at -> Nullable<Timestamptz>,
        withdrawn_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    job_queues (merchant_id, kind, target_id) {
        merchant_id -> Int8,
        kind -> Text,
        store_id -> Nullable<Int8>,
        target_id -> Int8,
        due_at -> Nullable<Timestamptz>,
        paused_until -> Nullable<Timestamptz>,
        leased_until -> Nullable<Timestamptz>,
        lease -> Int8,
        failures -> Int4,
        last_error -> Nullable<Text>,
        problem -> Nullable<Jsonb>,
    }
}

diesel::table! {
    jobs (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        kind -> Text,
        target_id -> Int8,
        key -> Text,
        payload -> Nullable<Jsonb>,
        run_at -> Timestamptz,
        attempts -> Int4,
        reason -> Nullable<Text>,
        dead_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        priority -> Int2,
    }
}

diesel::table! {
    links (id) {
        id -> Int8,
        token_hash -> Bytea,
        purpose -> Text,
        about_merchant_id -> Nullable<Int8>,
        subject_id -> Int8,
        email_key -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        ended_by -> Nullable<Text>,
    }
}

diesel::table! {
    members (merchant_id, user_id) {
        merchant_id -> Int8,
        user_id -> Int8,
        role -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    merchants (id) {
        id -> Int8,
        name -> Text,
        slug -> Text,
        #[max_length = 3]
        currency -> Bpchar,
        time_zone -> Text,
        created_at -> Timestamptz,
        coupon_exclusions -> Bool,
        requires_two_factor -> Bool,
        erasure_key -> Nullable<Bytea>,
        closed_at -> Nullable<Timestamptz>,
        date_format -> Text,
        contact_email -> Text,
    }
}

diesel::table! {
    offer_terms (merchant_id, offer_id, valid_from) {
        merchant_id -> Int8,
        offer_id -> Int8,
        valid_from -> Timestamptz,
        valid_until -> Nullable<Timestamptz>,
        commission_kind -> Text,
        basis_points -> Nullable<Int4>,
        flat_minor -> Nullable<Int8>,
        #[max_length = 3]
        flat_currency -> Nullable<Bpchar>,
        excluded_skus -> Array<Nullable<Text>>,
        auto_approve -> Bool,
    }
}

diesel::table! {
    offers (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        name -> Text,
        is_default -> Bool,
        archived_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    one_time_keys (merchant_id, key) {
        merchant_id -> Int8,
        key -> Text,
        form -> Text,
        used_at -> Timestamptz,
        result_id -> Nullable<Int8>,
    }
}

diesel::table! {
    order_codes (merchant_id, order_id, position) {
        merchant_id -> Int8,
        order_id -> Int8,
        position -> Int2,
        code -> Text,
        code_key -> Text,
        discount_minor -> Int8,
    }
}

diesel::table! {
    order_lines (merchant_id, order_id, position) {
        merchant_id -> Int8,
        order_id -> Int8,
        position -> Int2,
        line_ref -> Text,
        sku_key -> Nullable<Text>,
        title -> Text,
        quantity -> Int8,
        base_minor -> Int8,
    }
}

diesel::table! {
    orders (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        store_id -> Int8,
        order_ref -> Text,
        first_seen_at -> Timestamptz,
        name -> Nullable<Text>,
        placed_at -> Nullable<Timestamptz>,
        reported_at -> Nullable<Timestamptz>,
        day -> Nullable<Date>,
        #[max_length = 3]
        currency -> Nullable<Bpchar>,
        total_minor -> Nullable<Int8>,
        payment -> Nullable<Text>,
        is_test -> Bool,
        cancelled_at -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
        customer_name -> Nullable<Text>,
        customer_email -> Nullable<Text>,
        customer_email_key -> Nullable<Text>,
        state -> Jsonb,
        attribution -> Nullable<Jsonb>,
        decided_at -> Nullable<Timestamptz>,
        credited_affiliate_id -> Nullable<Int8>,
        manual_affiliate_id -> Nullable<Int8>,
        manual_credit -> Nullable<Jsonb>,
        overruled_affiliate_ids -> Array<Nullable<Int8>>,
        fraud_by -> Nullable<Text>,
        fraud_at -> Nullable<Timestamptz>,
        fraud_note -> Nullable<Text>,
        erased_at -> Nullable<Timestamptz>,
        clock_shift_seconds -> Nullable<Int4>,
    }
}

diesel::table! {
    pushes (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        trigger_id -> Int8,
        store_id -> Int8,
        status -> Text,
        reason -> Text,
        remote_ref -> Nullable<Text>,
        created_at -> Timestamptz,
        settled_at -> Nullable<Timestamptz>,
        admin_url -> Nullable<Text>,
        details -> Nullable<Jsonb>,
    }
}

diesel::table! {
    recalculations (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        trigger_id -> Nullable<Int8>,
        affiliate_id -> Nullable<Int8>,
        order_ids -> Nullable<Array<Nullable<Int8>>>,
        since -> Nullable<Timestamptz>,
        cause -> Jsonb,
        requested_at -> Timestamptz,
        due_at -> Timestamptz,
        in_flight -> Nullable<Array<Nullable<Text>>>,
        after_order_id -> Int8,
        orders_total -> Int8,
        orders_done -> Int8,
        attempts -> Int4,
        last_error -> Nullable<Text>,
        failed_at -> Nullable<Timestamptz>,
        up_to_order_id -> Nullable<Int8>,
        failure -> Nullable<Jsonb>,
    }
}

diesel::table! {
    recovery_codes (user_id, code_hash) {
        user_id -> Int8,
        code_hash -> Bytea,
    }
}

diesel::table! {
    registration_settings (merchant_id) {
        merchant_id -> Int8,
        is_open -> Bool,
        code_requirement -> Text,
        offer_id -> Nullable<Int8>,
        approves_automatically -> Bool,
        intro -> Text,
        terms -> Text,
        thanks -> Text,
        fields -> Jsonb,
        updated_at -> Timestamptz,
        allows_code_requests -> Bool,
    }
}

diesel::table! {
    retention_settings (merchant_id) {
        merchant_id -> Int8,
        bodies_days -> Int4,
        failed_bodies_days -> Int4,
        customers_days -> Int4,
        audit_ips_days -> Int4,
        disconnected_days -> Int4,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    return_rules (merchant_id, store_id, valid_from) {
        merchant_id -> Int8,
        store_id -> Int8,
        valid_from -> Timestamptz,
        valid_until -> Nullable<Timestamptz>,
        keeps_cancelled -> Bool,
        keeps_refunded -> Bool,
    }
}

diesel::table! {
    server_processes (id) {
        id -> Int8,
        host -> Text,
        pid -> Int4,
        version -> Text,
        started_at -> Timestamptz,
        seen_at -> Timestamptz,
    }
}

diesel::table! {
    sessions (key_hash) {
        key_hash -> Bytea,
        user_id -> Nullable<Int8>,
        state -> Jsonb,
        created_at -> Timestamptz,
        seen_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    store_clocks (merchant_id, store_id) {
        merchant_id -> Int8,
        store_id -> Int8,
        behind_seconds -> Int4,
        measured_at -> Timestamptz,
    }
}

diesel::table! {
    stores (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        platform -> Text,
        name -> Text,
        address -> Nullable<Text>,
        store_key -> Text,
        webhook_secret -> Nullable<Bytea>,
        previous_webhook_secret -> Nullable<Bytea>,
        webhook_secret_set_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        disconnected_at -> Nullable<Timestamptz>,
        credentials -> Nullable<Bytea>,
        credentials_set_at -> Nullable<Timestamptz>,
        access_token -> Nullable<Bytea>,
        access_token_expires_at -> Nullable<Timestamptz>,
        access_checked_at -> Nullable<Timestamptz>,
        access_problem -> Nullable<Text>,
        creates_codes -> Bool,
        discount_rules -> Nullable<Jsonb>,
        orders_read_until -> Nullable<Timestamptz>,
        webhooks_checked_at -> Nullable<Timestamptz>,
        webhooks_problem -> Nullable<Text>,
        counted_codes -> Array<Nullable<Text>>,
        privacy_secret -> Nullable<Bytea>,
        erasure_requested_at -> Nullable<Timestamptz>,
        erased_at -> Nullable<Timestamptz>,
        access_reason -> Nullable<Jsonb>,
        webhooks_reason -> Nullable<Jsonb>,
    }
}

diesel::table! {
    trigger_owners (merchant_id, trigger_id, valid_from) {
        merchant_id -> Int8,
        trigger_id -> Int8,
        valid_from -> Timestamptz,
        valid_until -> Nullable<Timestamptz>,
        affiliate_id -> Int8,
    }
}

diesel::table! {
    trigger_rollups (merchant_id, trigger_id, currency) {
        merchant_id -> Int8,
        trigger_id -> Int8,
        #[max_length = 3]
        currency -> Bpchar,
        conversions -> Int8,
        revenue_minor -> Int8,
        discount_minor -> Int8,
        refunded_minor -> Int8,
        commission_minor -> Int8,
    }
}

diesel::table! {
    triggers (merchant_id, id) {
        merchant_id -> Int8,
        id -> Int8,
        kind -> Text,
        value -> Text,
        key -> Text,
        affiliate_id -> Int8,
        created_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
        look_alike -> Nullable<Text>,
        handover_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    users (id) {
        id -> Int8,
        email -> Text,
        email_key -> Text,
        name -> Text,
        password_hash -> Nullable<Text>,
        is_support -> Bool,
        created_at -> Timestamptz,
        disabled_at -> Nullable<Timestamptz>,
        two_factor_secret -> Nullable<Bytea>,
        two_factor_step -> Int8,
        two_factor_at -> Nullable<Timestamptz>,
        memberships -> Int4,
    }
}

diesel::joinable!(affiliates -> merchants (merchant_id));
diesel::joinable!(affiliates -> users (user_id));
diesel::joinable!(api_keys -> merchants (merchant_id));
diesel::joinable!(api_keys -> users (created_by));
diesel::joinable!(applications -> merchants (merchant_id));
diesel::joinable!(audit_log -> merchants (merchant_id));
diesel::joinable!(audit_log -> users (actor_user_id));
diesel::joinable!(calculation_rules -> merchants (merchant_id));
diesel::joinable!(daily_rollups -> merchants (merchant_id));
diesel::joinable!(data_requests -> users (completed_by));
diesel::joinable!(emails -> merchants (about_merchant_id));
diesel::joinable!(erased_emails -> merchants (merchant_id));
diesel::joinable!(exclusion_periods -> merchants (merchant_id));
diesel::joinable!(exclusions -> merchants (merchant_id));
diesel::joinable!(imports -> merchants (merchant_id));
diesel::joinable!(instance_log -> users (actor_user_id));
diesel::joinable!(invitations -> merchants (merchant_id));
diesel::joinable!(invitations -> users (invited_by));
diesel::joinable!(links -> merchants (about_merchant_id));
diesel::joinable!(members -> merchants (merchant_id));
diesel::joinable!(members -> users (user_id));
diesel::joinable!(offers -> merchants (merchant_id));
diesel::joinable!(one_time_keys -> merchants (merchant_id));
diesel::joinable!(recalculations -> merchants (merchant_id));
diesel::joinable!(recovery_codes -> users (user_id));
diesel::joinable!(registration_settings -> merchants (merchant_id));
diesel::joinable!(retention_settings -> merchants (merchant_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(stores -> merchants (merchant_id));

diesel::allow_tables_to_appear_in_same_query!(
    affiliate_daily_rollups,
    affiliate_emails,
    affiliate_terms,
    affiliates,
    api_keys,
    applications,
    audit_log,
    backfills,
    calculation_rules,
    code_requests,
    code_sync_results,
    code_syncs,
    commission_entries,
    conversions,
    daily_rollups,
    data_requests,
    deliveries,
    delivery_failures,
    derived_keys,
    emails,
    erased_emails,
    exclusion_periods,
    exclusion_terms,
    exclusions,
    form_responses,
    import_rows,
    imports,
    instance_key,
    instance_log,
    invitations,
    job_queues,
    jobs,
    links,
    members,
    merchants,
    offer_terms,
    offers,
    one_time_keys,
    order_codes,
    order_lines,
    orders,
    pushes,
    recalculations,
    recovery_codes,
    registration_settings,
    retention_settings,
    return_rules,
    server_processes,
    sessions,
    store_clocks,
    stores,
    trigger_owners,
    trigger_rollups,
    triggers,
    users,
);
