use super::*;

#[test]
fn stores_and_work() {
    try_states(&[
        State {
            name: "access-revoked",
            provoke: |examined| {
                examined.sql("UPDATE stores SET access_problem = 'The token was revoked.'");
            },
            found: &[("store_access", PROBLEM)],
        },
        State {
            name: "webhooks-missing",
            provoke: |examined| {
                examined.sql("UPDATE stores SET webhooks_problem = 'orders/create is missing.'");
            },
            found: &[("store_webhooks", PROBLEM)],
        },
        State {
            name: "calls-failing",
            provoke: |examined| {
                examined.sql(
                    "INSERT INTO job_queues (merchant_id, store_id, kind, due_at, failures, problem) \
                     SELECT merchant_id, id, 'push', now() + interval '1 hour', 5, \
                         '{\"code\": \"timeout\"}' FROM stores \
                     ON CONFLICT (merchant_id, kind, target_id) DO UPDATE SET due_at = excluded.due_at, \
                         failures = excluded.failures, problem = excluded.problem",
                );
            },
            found: &[("store_jobs", WARNING)],
        },
        State {
            name: "store-clock",
            provoke: |examined| {
                examined.sql(
                    "INSERT INTO store_clocks (merchant_id, store_id, behind_seconds, measured_at) \
                     SELECT merchant_id, id, -600, now() FROM stores",
                );
            },
            found: &[("store_clocks", WARNING)],
        },
        State {
            name: "recalculation-failed",
            provoke: |examined| {
                examined.sql(
                    "INSERT INTO recalculations \
                         (merchant_id, since, cause, orders_total, failed_at, last_error) \
                     SELECT min(id), now(), '{}', 1, now(), 'deadlock' FROM merchants",
                );
            },
            found: &[("recalculations", PROBLEM)],
        },
        State {
            name: "email-failed",
            provoke: |examined| {
                examined.sql(
                    "INSERT INTO emails (message_id, recipient, subject, program, paragraphs, \
                         failed_at, last_error) \
                     VALUES ('m1', 'a@x.example', 'Hello', '', '[]', now(), '550 no such user')",
                );
            },
            found: &[("emails", PROBLEM)],
        },
        State {
            name: "two-versions",
            provoke: |examined| {
                examined.sql(
                    "INSERT INTO server_processes (id, host, pid, version, started_at, seen_at) VALUES \
                     (1, 'a', 1, '0.0.1', now(), now()), (2, 'b', 1, '0.0.2', now(), now())",
                );
            },
            found: &[("processes", WARNING)],
        },
        State {
            name: "work-waits",
            provoke: |examined| {
                examined.sql(
                    "INSERT INTO server_processes (id, host, pid, version, started_at, seen_at) \
                     VALUES (1, 'a', 1, '0.0.1', now(), now()); \
                     INSERT INTO recalculations (merchant_id, since, cause, orders_total, requested_at) \
                     SELECT min(id), now(), '{}', 1, now() - interval '1 hour' FROM merchants",
                );
            },
            found: &[("queues", PROBLEM)],
        },
    ]);
}
