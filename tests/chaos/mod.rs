//! Faults, one after the other, while orders come in: nothing that was acknowledged is lost or
//! credited twice, nothing waits for ever, and all is well again soon after.
//!
//! `script/chaos` runs all of them against a release build; the tests run a few of them briefly.

mod faults;
mod instance;
mod report;
mod traffic;

use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use self::faults::{Chance, FAULTS, Fault};
use self::instance::Instance;
use self::report::{Bounds, Outcome};
use self::traffic::Ledger;

/// The seed of a run, to repeat it.
const SEED: &str = "VOUCH_CHAOS_SEED";
/// A part of the names of the faults that are wanted.
const ONLY: &str = "VOUCH_CHAOS_ONLY";
/// How long is waited for the first success after a fault.
const RECOVERY: Duration = Duration::from_secs(30);

/// What every fault of `script/chaos` has to keep.
const BOUNDS: Bounds = Bounds {
    longest: Duration::from_secs(6),
    recovery: Duration::from_secs(5),
    mebibytes: Some(64),
};
/// The same beside other tests, in a build that isn't optimised.
const SHORT_BOUNDS: Bounds =
    Bounds { longest: Duration::from_secs(12), recovery: Duration::from_secs(15), mebibytes: None };

#[test]
fn what_is_acknowledged_outlives_a_minute_of_faults() {
    let mut chance = Chance { rng: seeded(1), lasts: Duration::from_secs(4) };
    let wanted: Vec<&Fault> = FAULTS.iter().filter(|fault| fault.is_short).collect();
    run(&wanted, &mut chance, &SHORT_BOUNDS);
}

#[test]
#[ignore = "takes ten minutes: script/chaos"]
#[expect(clippy::disallowed_methods, reason = "tests have no settings but the environment")]
fn what_is_acknowledged_outlives_every_fault() {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(rand::random);
    println!("To repeat this run, set {SEED}={seed}.");
    let only = std::env::var(ONLY).unwrap_or_default();
    let mut chance = Chance { rng: seeded(seed), lasts: Duration::from_secs(8) };
    let mut wanted: Vec<&Fault> =
        FAULTS.iter().filter(|fault| fault.name.contains(&only)).collect();
    wanted.shuffle(&mut chance.rng);
    run(&wanted, &mut chance, &BOUNDS);
}

fn seeded(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

fn run(faults: &[&Fault], chance: &mut Chance, bounds: &Bounds) {
    let instance = Instance::start();
    report::heading();
    let outcomes: Vec<Outcome> = faults
        .iter()
        .map(|fault| {
            let outcome = try_one(&instance, fault, chance);
            report::line(&outcome, bounds);
            outcome
        })
        .collect();
    let held = outcomes.iter().filter(|outcome| outcome.problems(bounds).is_empty()).count();
    println!("{held} of {} faults passed.", outcomes.len());
    assert_eq!(held, outcomes.len(), "{:#?}", report::problems(&outcomes, bounds));
}

fn try_one(instance: &Instance, fault: &Fault, chance: &mut Chance) -> Outcome {
    const QUIET: Duration = Duration::from_secs(1);
    let ledger = Ledger::default();
    instance.wait_until_ready().unwrap();
    instance.take_peak();
    let (failure, recovery, meanwhile): (Option<String>, _, _) = ledger.during(instance, || {
        std::thread::sleep(QUIET);
        let begun = Instant::now();
        let outcome = (fault.run)(instance, chance);
        let over = Instant::now();
        let recovery = loop {
            let first = ledger.first_success_after(over);
            if first.is_some() || over.elapsed() > RECOVERY {
                break first;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        std::thread::sleep(QUIET);
        (outcome.err(), recovery, begun..over)
    });
    if failure.is_some() || recovery.is_none() {
        // So that the next fault meets an installation that works.
        instance.set_right();
    }
    let sent_all = ledger.send_the_rest(instance);
    let deliveries = ledger.check(instance);
    Outcome {
        name: fault.name,
        is_served: fault.is_served,
        sent: ledger.sent(),
        sent_all,
        deliveries,
        answers: ledger.answers(),
        meanwhile,
        recovery,
        mebibytes: instance.take_peak(),
        failure,
    }
}
