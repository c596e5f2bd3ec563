//! The web server: the application around the routes.

#[cfg(test)]
mod log_tests;
mod min_rate;
mod starting;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, Protocol};
use actix_multipart::MultipartConfig;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, map_config};
use actix_session::SessionMiddleware;
use actix_session::config::{CookieContentSecurity, PersistentSession, TtlExtensionPolicy};
use actix_web::body::MessageBody;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Key, SameSite};
use actix_web::dev::{
    AppConfig, Server, ServiceFactory, ServiceRequest, ServiceResponse, fn_service,
};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web::{Data, PathConfig, QueryConfig};
use actix_web::{App, web};
use secrecy::ExposeSecret;
use tracing_actix_web::TracingLogger;
use vouch_platforms::http::Http;

use self::min_rate::{MinRate, MinRateStream};
pub(crate) use self::starting::Starting;

use crate::app::operations::{Metrics, Readiness};
use crate::app::routes;
use crate::features::api;
use crate::features::auth::{self, AttemptLimits, Hashing, IDLE_LIMIT, PgSessions, RouteTable};
use crate::features::first_run::FirstRun;
use crate::features::hooks::KnownStores;
use crate::features::ingest::queue::Intake;
use crate::features::registration;
use crate::features::stores::StoreCalls;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::email;
use crate::kit::error::{AppError, AppResult};
use crate::kit::os;
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::secrets::Encryptor;
use crate::kit::web::form_token::FormKey;
use crate::kit::web::memory::Memory;
use crate::kit::web::spans::RequestSpan;
use crate::kit::web::upload::PART_HEADERS_LIMIT;
use crate::kit::web::{assets, error_page, guard, gzip, htmx, idempotency, measure, text, watch};

/// Shared state of the handlers.
#[derive(Clone)]
pub struct AppState {
    pub config: Arc<Config>,
    pub db: Db,
    /// Hashes passwords with bounded concurrency.
    pub hashing: Hashing,
    /// The remaining sign-in attempts.
    pub attempts: Data<AttemptLimits>,
    /// Encrypts and decrypts the stores' secrets.
    pub encryptor: Encryptor,
    /// Stores with recent webhooks.
    pub known_stores: Data<KnownStores>,
    /// The HTTP client for store checks that a page waits for.
    pub http: Http,
    /// How many of these checks run, per merchant.
    pub store_calls: Data<StoreCalls>,
    /// Receives the stores' webhooks.
    pub intake: Intake,
    /// The remaining requests of API keys.
    pub api_limits: Data<api::ApiLimits>,
    /// The remaining requests of anonymous visitors on the public pages.
    pub join_limits: Data<registration::RegistrationLimits>,
    /// The remaining emails of members and support staff.
    pub mail_limits: Data<email::EmailLimits>,
    pub readiness: Data<Readiness>,
    /// The remaining memory for request bodies and files.
    pub memory: Data<Memory>,
    /// Proves for which person a form page was rendered.
    pub form_key: Data<FormKey>,
    pub metrics: Data<Metrics>,
}

impl AppState {
    pub fn new(config: Arc<Config>, db: Db) -> anyhow::Result<Self> {
        let encryptor = Encryptor::new(&config.secret_key);
        let http = Http::new(config.local_stores);
        let attempts = Data::new(AttemptLimits::default());
        let known_stores = Data::new(KnownStores::new(db.clone(), encryptor.clone()));
        let pseudonyms = Pseudonyms::new(&encryptor);
        let intake = Intake::start(db.intake_pool(), config.connections.intake, &pseudonyms)?;
        let hashing = Hashing::new()?;
        let api_limits = Data::new(api::ApiLimits::default());
        let join_limits = Data::new(registration::RegistrationLimits::default());
        let mail_limits = Data::new(email::EmailLimits::default());
        let readiness = Data::new(Readiness::new(&db)?);
        let memory = Data::new(Memory::default());
        let form_key = Data::new(FormKey::new(&config.secret_key));
        let metrics = Data::new(Metrics::new(db.clone(), config.keep));
        Ok(Self {
            config,
            db,
            hashing,
            attempts,
            encryptor,
            http,
            store_calls: Data::new(StoreCalls::default()),
            known_stores,
            intake,
            api_limits,
            join_limits,
            mail_limits,
            readiness,
            memory,
            form_key,
            metrics,
        })
    }
}

/// How long the head of a connection's first request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection stays open.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long the client has to close its end.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How many unsent bytes the kernel holds for a slow reader, beyond those in flight.
const MAX_UNSENT_BYTES: i32 = 64 * 1024;
/// Connections per web server thread. Each uses about 20 KiB while it waits.
const MAX_CONNECTIONS: usize = 2000;
/// How long running requests may take at shutdown. Together with the database's shutdown it's ten
/// seconds.
const SHUTDOWN_SECONDS: u64 = 6;

/// Serves the application on `listener` until its handle is stopped. The future completes once
/// running requests are finished. It's like `actix_web::HttpServer`, but with a [`MinRateStream`]
/// for every connection. Fails if the socket can't be used.
pub fn serve(listener: TcpListener, state: AppState, workers: usize) -> std::io::Result<Server> {
    let address = listener.local_addr()?;
    assets::warm_up();
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(MAX_CONNECTIONS)
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_SECONDS);
    let stopping = builder.graceful_shutdown_signal();
    let connection = move || {
        let (stopping, is_https) = (stopping.clone(), state.config.is_https());
        let application =
            application(&state).into_factory().map_err(move |error: actix_web::Error| {
                let mut answer = error_page::answer(&error);
                if is_https {
                    guard::https_only(answer.headers_mut());
                }
                answer
            });
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .local_addr(address)
            .finish(map_config(application, |()| AppConfig::default()));
        fn_service(async |io: TcpStream| {
            // Without these options the connection is only slower, or cut a little sooner.
            let _ = io.set_nodelay(true);
            let _ = os::limit_unsent(&io, MAX_UNSENT_BYTES);
            let peer = io.peer_addr().ok();
            Ok((MinRateStream::new(io, MinRate::default()), Protocol::Http1, peer))
        })
        .and_then(http)
    };
    Ok(builder.listen("vouch", listener, connection)?.run())
}

fn application(
    state: &AppState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    // The last one wrapped is the outermost.
    App::new()
        .app_data(Data::from(Arc::clone(&state.config)))
        .app_data(Data::new(state.config.trusted_proxies.clone()))
        .app_data(Data::new(state.db.clone()))
        .app_data(Data::new(state.hashing.clone()))
        .app_data(state.attempts.clone())
        .app_data(state.known_stores.clone())
        .app_data(Data::new(state.intake.clone()))
        .app_data(state.api_limits.clone())
        .app_data(state.join_limits.clone())
        .app_data(state.mail_limits.clone())
        .app_data(state.readiness.clone())
        .app_data(state.memory.clone())
        .app_data(state.form_key.clone())
        .app_data(state.metrics.clone())
        .app_data(Data::new(state.encryptor.clone()))
        .app_data(Data::new(state.http.clone()))
        .app_data(state.store_calls.clone())
        .app_data(MultipartConfig::default().buffer_limit(PART_HEADERS_LIMIT))
        .app_data(Data::new(FirstRun::new(&state.config.secret_key)))
        .app_data(PathConfig::default().error_handler(|_, _| AppError::NotFound.into()))
        .app_data(QueryConfig::default().error_handler(|_, _| {
            AppError::BadRequest("Check the URL and try again.".into()).into()
        }))
        .app_data(RouteTable(routes::TABLE))
        .configure(routes::configure)
        .default_service(web::to(unknown))
        .wrap(from_fn(idempotency::keep))
        .wrap(from_fn(auth::check))
        .wrap(sessions(state))
        .wrap(from_fn(auth::without_session))
        .wrap(from_fn(text::readable_url))
        .wrap(from_fn(guard::same_origin))
        .wrap(from_fn(guard::bounded_head))
        .wrap(from_fn(api::problems))
        .wrap(from_fn(error_page::pages))
        .wrap(from_fn(watch::watch))
        .wrap(from_fn(htmx::redirects))
        .wrap(from_fn(gzip::compress))
        .wrap(from_fn(guard::headers))
        .wrap(TracingLogger::<RequestSpan>::new())
        .wrap(from_fn(measure::measure))
}

async fn unknown() -> AppResult<&'static str> {
    Err(AppError::NotFound)
}

/// With `__Host-` the browser insists on `Secure`, on this host alone and the path `/`. Browsers
/// treat loopback as secure, so no setting for insecure cookies is needed.
fn sessions(state: &AppState) -> SessionMiddleware<PgSessions> {
    let key = Key::derive_from(state.config.secret_key.expose_secret());
    SessionMiddleware::builder(PgSessions::new(state.db.clone()), key)
        .cookie_name("__Host-vouch".to_owned())
        .cookie_secure(true)
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_path("/".to_owned())
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(
            PersistentSession::default()
                .session_ttl(CookieDuration::seconds(IDLE_LIMIT.num_seconds()))
                .session_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest),
        )
        .build()
}
