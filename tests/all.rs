mod commands;
mod embedded;
