//! `vouch serve`

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{process, thread};

use actix_web::rt::{self, System};
use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::text;
use crate::app::instance::Presence;
use crate::app::server::{self, AppState, Starting};
use crate::app::workers::Workers;
use crate::features::emails::Mailer;
use crate::features::first_run;
use crate::features::store_workers::Tools;
use crate::kit::config::{Config, hand_over};
use crate::kit::console::StdoutWriter;
use crate::kit::db::connect::ConnectRetry;
use crate::kit::db::{Db, Source};
use crate::kit::os;

/// The part of the work that this process does.
#[derive(clap::Args, Default)]
pub struct ServeArguments {
    /// Run the web server only
    #[arg(long, conflicts_with = "workers_only")]
    web_only: bool,
    /// Run the background workers only
    #[arg(long)]
    workers_only: bool,
}

/// How long the end may take, whatever hangs. What was answered is committed by then; everything else
/// is rolled back by the database, or done by the next start.
const END_LIMIT: Duration = Duration::from_millis(9_300);

/// Runs until SIGTERM or SIGINT. What was begun is finished; the database server goes last.
pub(super) fn run(config: Config, arguments: &ServeArguments) -> anyhow::Result<()> {
    System::new().block_on(async {
        // From here on a signal is remembered, also while the database is still starting.
        let mut stop = StopSignal::listen()?;
        // The port comes first: a second start by mistake should fail before it does anything.
        let listener = match arguments.workers_only {
            true => None,
            false => Some(listen(&config)?),
        };
        let starting = listener.as_ref().map(Starting::answer).transpose()?;
        let config = Arc::new(config);
        let Some((source, db, presence)) = start(&config, &mut stop).await? else {
            return Ok(());
        };
        drop(starting);
        let workers = match arguments.web_only {
            true => None,
            false => Some(Workers::start(
                Tools::new(&config, db.clone()),
                Mailer::new(&config, db.clone()),
            )?),
        };
        let announcer = StdoutWriter::start();
        let stopping = || {
            tracing::info!("shutdown_started");
            if let Some(workers) = &workers {
                workers.tell_to_stop();
            }
        };
        match listener {
            Some(listener) => serve(listener, config, db, &announcer, &mut stop, stopping).await?,
            None => {
                announcer.say(text::WORKERS_STARTED.to_owned());
                stop.received().await;
                stopping();
            }
        }
        drop(workers);
        drop(presence);
        // Last, after every connection, and with it the embedded server.
        drop(source);
        Ok(())
    })
}

/// Opens the database and brings it up to date, on a thread of its own, so that a signal is heard
/// meanwhile; `None` when one came.
async fn start(
    config: &Arc<Config>,
    stop: &mut StopSignal,
) -> anyhow::Result<Option<(Source, Db, Presence)>> {
    let is_over = Arc::new(AtomicBool::new(false));
    let (config, retry) = (
        Arc::clone(config),
        ConnectRetry { is_over: Arc::clone(&is_over), ..ConnectRetry::default() },
    );
    let mut opening = rt::task::spawn_blocking(move || open(&config, &retry));
    tokio::select! {
        opened = &mut opening => return opened?.map(Some),
        () = stop.received() => {}
    }
    tracing::info!("shutdown_started");
    is_over.store(true, Ordering::Relaxed);
    // Awaited, so that the embedded server is stopped; a migration that runs is rolled back.
    drop(opening.await);
    Ok(None)
}

fn open(config: &Config, retry: &ConnectRetry) -> anyhow::Result<(Source, Db, Presence)> {
    let source = Source::open(config)?;
    leave_root(&source, &config.data_dir)?;
    for name in super::database::bring_up_to_date(&source, retry)? {
        tracing::info!(%name, "migration_applied");
    }
    let db = Db::connect(source.url(), config.connections).context(text::DATABASE_UNREACHABLE)?;
    let presence = Presence::enter(&db, config)?;
    Ok((source, db, presence))
}

/// Ends the process in time, if it hasn't ended by then: threads that wait for a network that is gone
/// are left behind.
#[expect(clippy::disallowed_methods, reason = "destructors would wait for the threads that hang")]
fn end_in_time() {
    thread::spawn(|| {
        thread::sleep(END_LIMIT);
        tracing::warn!("shutdown_forced");
        process::exit(0);
    });
}

/// Started as root, the process goes on as an ordinary user from here: it has its port, its settings
/// and its database, and needs nothing else of root's.
fn leave_root(source: &Source, data_dir: &Path) -> anyhow::Result<()> {
    if os::effective_uid() != 0 {
        return Ok(());
    }
    let Some(user) = source.user(data_dir) else {
        tracing::warn!(data_dir = %data_dir.display(), "running_as_root");
        return Ok(());
    };
    hand_over(data_dir, user.uid, user.gid)
        .with_context(|| format!("can't change the owner of {}", data_dir.display()))?;
    os::become_user(&user).with_context(|| format!("can't run as the user {}", user.name))?;
    tracing::info!(user = user.name, "root_dropped");
    Ok(())
}

fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    TcpListener::bind(config.listen)
        .with_context(|| format!("VOUCH_LISTEN: can't listen on {}", config.listen))
}

/// Serves the web until told to stop, then finishes what runs.
async fn serve(
    listener: TcpListener,
    config: Arc<Config>,
    db: Db,
    announcer: &StdoutWriter,
    stop: &mut StopSignal,
    stopping: impl FnOnce(),
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let ready = text::ready(&config.public_url, address);
    let begin = first_run::link(&config, &db)?;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let state = AppState::new(config, db)?;
    let readiness = state.readiness.clone();
    let server = server::serve(listener, state, threads)?;
    let handle = server.handle();
    let mut server = rt::spawn(server);
    announcer.say(ready);
    if let Some(begin) = begin {
        announcer.say(text::first_run(&begin));
    }
    tokio::select! {
        outcome = &mut server => return Ok(outcome??),
        () = stop.received() => {}
    }
    readiness.stop();
    stopping();
    handle.stop(true).await;
    Ok(server.await??)
}

/// The two signals that ask a process to end.
struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignal {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        end_in_time();
    }
}
