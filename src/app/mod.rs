//! What holds the features together: routes, the server, the workers, the commands.

/// What the program can be told to do.
pub mod commands;
/// Programs to look at.
pub mod demo;
/// What the processes of an instance have in common: the secret key, and which of them serve.
pub mod instance;
/// How an instance is watched: whether it is ready, and what it does.
pub mod operations;
/// Keys in the database that are worked out again by newer rules.
pub mod rekey;
/// Every URL of the application.
pub mod routes;
/// The web server: the application around the routes.
pub mod server;
/// Work that nobody waits for.
pub mod workers;
