//! The `ssp` command: secure group communication from the command line.

#![forbid(unsafe_code)]

mod cert;
mod cli;
mod daemon;
mod demo;
mod error;
mod flood;
mod identity;
mod output;
mod printable;
mod security;
mod signal;
mod soak;
mod terminal;
mod user;

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::Parser;

use cli::{Cli, Command};
use error::Failure;
use output::{Format, Printer};
use printable::printable;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // What concerns the user is an event; the log is for those who ask for it.
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error"));
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(filter)
        .init();
    let printer = Printer(if cli.json { Format::Json } else { Format::Text });

    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("ssp: runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let serves = matches!(cli.command, Command::Daemon(_));
    // Dropped before the runtime where something panics.
    let terminal = terminal::Restore;
    let result = runtime.block_on(async {
        let work = async {
            match cli.command {
                Command::Demo(options) => demo::run(options, printer).await,
                Command::Daemon(options) => daemon::run(options, printer).await,
                Command::User(options) => user::run(options, printer).await,
                Command::Flood(options) => flood::run(options, printer).await,
                Command::Soak(options) => soak::run(options, printer).await,
                Command::Identity(options) => identity::run(&options, printer),
                Command::Cert(options) => cert::run(&options, printer),
            }
        };
        // A daemon has clients, whether or not anybody reads what it says.
        if serves {
            return work.await;
        }
        tokio::select! {
            biased;
            failure = output::lost() => Err(failure),
            result = work => result.and_then(|()| output::error().map_or(Ok(()), Err)),
        }
    });
    // A thread may still wait for a line of standard input.
    runtime.shutdown_background();
    drop(terminal);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::NoReader) {
                // Standard error may be closed as well, which changes nothing.
                let text = failure.to_string();
                let _ = writeln!(std::io::stderr(), "ssp: {}", printable(&text));
            }
            ExitCode::from(failure.code())
        }
    }
}
