//! The output. Read the ratios, because machines differ.

use std::time::Duration;

use crate::contention::Answers;
use crate::exclusions::Spread;
use crate::load::Measured;
use crate::pgbench::Bound;
use crate::program::{Program, Running};

pub(crate) fn heading(text: &str) {
    println!("\n{text}");
}

pub(crate) fn program(name: &str, program: &Program) {
    let (affiliates, triggers, orders) = program.counts();
    println!("\n  {name} program: {affiliates} affiliates, {triggers} codes, {orders} orders");
    println!(
        "  {:<22} {:>9} {:>9} {:>7} {:>9} {:>9} {:>11} {:>11}",
        "page", "ours/s", "bound/s", "ratio", "p50 ms", "p99 ms", "alone p50", "alone p99"
    );
}

pub(crate) fn page(name: &str, ours: &Measured, bound: &Bound, alone: &Measured) {
    println!(
        "  {name:<22} {:>9.0} {:>9.0} {:>7.2} {:>9.1} {:>9.1} {:>11.1} {:>11.1}",
        ours.per_second(),
        bound.per_second,
        ours.per_second() / bound.per_second,
        ours.percentile(50),
        ours.percentile(99),
        alone.percentile(50),
        alone.percentile(99),
    );
}

/// `alone` and `bypassing` were measured in turns; the best of each is what the machine can do.
pub(crate) fn bound(own: &Bound, alone: &[Bound], bypassing: &[Bound], codes: usize) {
    let best = |of: &[Bound]| of.iter().map(|bound| bound.per_second).fold(0.0, f64::max);
    let (alone, bypassing) = (best(alone), best(bypassing));
    println!("  bound: pgbench with 16 clients and {codes} codes, {:.0}/s", own.per_second);
    println!(
        "  1 client: {alone:.0}/s, without row-level security {bypassing:.0}/s (costs {:.0}%)",
        (1.0 - alone / bypassing) * 100.0
    );
    println!("  {:<10} {:>9} {:>9} {:>9} {:>9}", "clients", "ours/s", "ratio", "p50 ms", "p99 ms");
}

pub(crate) fn intake(clients: usize, ours: &Measured, bound: &Bound) {
    println!(
        "  {clients:<10} {:>9.0} {:>9.2} {:>9.1} {:>9.1}",
        ours.per_second(),
        ours.per_second() / bound.per_second,
        ours.percentile(50),
        ours.percentile(99),
    );
}

pub(crate) fn checks() {
    println!("  {:<52} {:>9} {:>9} {:>11}", "code", "p50 ms", "p99 ms", "times bound");
}

pub(crate) fn check(what: &str, code: &str, check: Spread, bound: Spread) {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "  {code:<52} {:>9.2} {:>9.2} {:>11.1}  {what}",
        milliseconds(check.0),
        milliseconds(check.1),
        milliseconds(check.0) / milliseconds(bound.0),
    );
}

/// `bound`: the same number of lookups of one row by its key, one after another.
pub(crate) fn import(check: Duration, bound: Duration, peak: u64) {
    println!(
        "  max {:.2} s, {:.2} times the bound of {:.2} s, server memory max {peak} MiB",
        check.as_secs_f64(),
        check.as_secs_f64() / bound.as_secs_f64(),
        bound.as_secs_f64(),
    );
}

pub(crate) fn contention(quiet: &Answers, contended: &Answers, updates: &Answers, acts: &Answers) {
    println!(
        "  {:<36} {:>9} {:>7} {:>9} {:>9} {:>9} {:>9}",
        "", "responses", "503", "p50 ms", "p95 ms", "p99 ms", "max ms"
    );
    for (name, Answers { measured, refused }) in [
        ("the other merchant's orders, alone", quiet),
        ("the other merchant's orders, meanwhile", contended),
        ("updates of the orders", updates),
        ("reassignments", acts),
    ] {
        println!(
            "  {name:<36} {:>9} {refused:>7} {:>9.1} {:>9.1} {:>9.1} {:>9.1}",
            measured.count(),
            measured.percentile(50),
            measured.percentile(95),
            measured.percentile(99),
            measured.longest(),
        );
    }
    println!(
        "  the other merchant's p99 is {:.2} times its p99 alone",
        contended.measured.percentile(99) / quiet.measured.percentile(99)
    );
}

/// Memory in MiB before, at most during, and after the attempts.
pub(crate) fn sign_in([before, peak, after]: [u64; 3], attempts: &Measured) {
    println!(
        "  {} wrong passwords: {before} MiB before, max {peak} MiB, {after} MiB after, {:.0} per second, p99 {:.0} ms",
        attempts.count(),
        attempts.per_second(),
        attempts.percentile(99)
    );
}

pub(crate) fn memory(running: &Running) {
    println!("  server memory so far: max {} MiB", running.peak_mebibytes());
}
