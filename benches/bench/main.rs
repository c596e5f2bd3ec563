//! How fast Vouch is, as ratios to a bound that is measured in the same run: `pgbench` running the
//! very statements that the server was seen to send, on the same server with the same durability.
//!
//! `script/bench` builds and runs it; `--help` lists its options.

mod capture;
mod contention;
mod exclusions;
mod imports;
mod load;
mod pgbench;
mod program;
mod report;
mod sign_in;

use std::path::PathBuf;

use clap::Parser;

use crate::load::Load;
use crate::program::{Program, Running, Size};

/// What to measure, and the sizes.
#[derive(Parser)]
struct Options {
    /// Affiliates of the large program
    #[arg(long, default_value_t = 100_000)]
    affiliates: u64,
    /// Codes of the large program
    #[arg(long, default_value_t = 1_000_000)]
    triggers: u64,
    /// Orders of the large program
    #[arg(long, default_value_t = 1_000_000)]
    orders: u64,
    /// Seconds per measurement
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Only pages with this in their name, or exclusions, contention, sign-in or import, without order
    /// processing
    #[arg(long)]
    only: Option<String>,
    /// Folder of the databases between runs
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
    /// `cargo bench` says this; nothing depends on it
    #[arg(long, hide = true)]
    bench: bool,
}

/// The 99th percentile of a steady stream needs so many at least.
const CONTENTION_SECONDS: u64 = 30;

/// The pages that are measured: a name, and the address in a program.
fn pages(program: &Program) -> Vec<(&'static str, String)> {
    vec![
        ("dashboard", "/dashboard".to_owned()),
        ("affiliates list", "/affiliates".to_owned()),
        ("affiliates search", format!("/affiliates?q={}", program.some_word())),
        ("triggers list", "/triggers".to_owned()),
        ("triggers search", format!("/triggers?q={}", program.some_code_part())),
        ("an affiliate's page", format!("/affiliates/{}", program.some_affiliate())),
        ("conversions list", "/conversions".to_owned()),
        ("orders list", "/orders".to_owned()),
    ]
}

fn main() {
    let options = Options::parse();
    let large =
        Size { affiliates: options.affiliates, triggers: options.triggers, orders: options.orders };
    let small = Size {
        affiliates: (large.affiliates / 100).max(40),
        triggers: large.triggers / 100,
        orders: large.orders / 100,
    };
    report::heading(
        "Pages with 8 clients. Bound: pgbench with the page's statements and 8 clients",
    );
    // These don't depend on the size of the program.
    let only = options.only.as_deref();
    let small_alone = only.is_some_and(|only| {
        ["exclusions", "contention", "sign-in"].iter().any(|what| what.contains(only))
    });
    for (name, size) in [("small", small), ("large", large)] {
        if name == "large" && small_alone {
            continue;
        }
        let running = Running::start(&options.folder.join(name), size);
        report::program(name, &running.program);
        measure_pages(&running, options.seconds, options.only.as_deref().unwrap_or_default());
        report::memory(&running);
        let is_wanted = |what: &str| only.is_none_or(|only| what.contains(only));
        if name == "small" && is_wanted("sign-in") {
            report::heading(
                "Sign-in: wrong passwords by 30 clients. Goal: at most 16 MiB more memory",
            );
            sign_in::measure(&running);
        }
        if name == "small" && is_wanted("contention") {
            report::heading(
                "Contention: each second, a code on 500 orders is reassigned, with 20 updates of these \
                 orders and 20 orders of another merchant",
            );
            contention::measure(&running, options.seconds.max(CONTENTION_SECONDS));
        }
        if name == "small" && is_wanted("exclusions") {
            report::heading(
                "Coupon exclusions: checks of one code against 100,000. Bound: one row by its key",
            );
            report::checks();
            exclusions::measure(&running.program);
        }
        if name == "large" && is_wanted("import") {
            report::heading(
                "Import: checks of a file with 10,000 rows. Goal: 3 s. Bound: 10,000 lookups by key",
            );
            imports::measure(&running);
        }
        if name == "large" && options.only.is_none() {
            report::heading(
                "Order processing: signed Shopify orders over HTTP, every row, durably",
            );
            measure_intake(&running, options.seconds);
            report::memory(&running);
        }
    }
}

fn measure_pages(running: &Running, seconds: u64, only: &str) {
    let cookie = running.sign_in();
    let wanted = pages(&running.program).into_iter().filter(|(name, _)| name.contains(only));
    for (name, path) in wanted {
        let statements = capture::of(running, || running.get(&path, &cookie));
        let script = capture::page_script(&statements);
        let ours = Load { clients: 8, seconds }.pages(&running.address, &path, &cookie);
        let bound = pgbench::run(running, "vouch", &script, 8, seconds);
        // One client waits for nobody: what the page itself takes, without the wait for a core.
        let alone = Load { clients: 1, seconds }.pages(&running.address, &path, &cookie);
        report::page(name, &ours, &bound, &alone);
    }
}

/// As many different codes take part, for us and for the bound, so that both meet on as few rows.
const CODES: usize = 100;
/// So often each of two bounds is measured when they are compared.
const TURNS: usize = 5;

fn measure_intake(running: &Running, seconds: u64) {
    let codes = running.program.some_codes(CODES);
    let captured: Vec<_> = codes
        .iter()
        .enumerate()
        .map(|(at, code)| {
            let order = running.order(at as u64, code);
            running.send(&order); // the store is known then
            let order = running.order((CODES + at) as u64, code);
            let statements = capture::of(running, || running.send(&order));
            (statements, running.ids_of(&order))
        })
        .collect();
    let credit = capture::credit_script(&captured);
    running.keep_variants(capture::VARIANTS, &credit.variants);
    let bound = |role, clients| pgbench::run(running, role, &credit.script, clients, seconds);
    let own = bound("vouch", 16);
    // With one client, so that waiting for hot rows does not hide what is compared; in turns, so
    // that a change of the machine's mood is not taken for the policies' cost.
    let (mut alone, mut bypassing) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        alone.push(bound("vouch", 1));
        bypassing.push(bound("vouch_admin", 1));
    }
    report::bound(&own, &alone, &bypassing, credit.variants.len());
    for clients in [1, 16, 64] {
        let ours = Load { clients, seconds }.orders(running, &codes);
        report::intake(clients, &ours, &own);
    }
}
