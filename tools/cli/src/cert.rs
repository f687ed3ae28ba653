//! `ssp cert`: a small certificate authority.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use getrandom::{SysRng, rand_core::UnwrapErr};
use ssp_core::{
    Timestamp,
    identity::x509::{
        Authority, CertificateSummary, IssueError, Revocation, Validity, date, summaries,
    },
};
use ssp_tokio::files;

use crate::{
    cli,
    error::Failure,
    identity::write_private,
    output::{Event, Printer},
};

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;
/// Certificates begin a little earlier, for members whose clocks are behind.
const EARLIER: u64 = 300_000;

pub(crate) fn run(options: &cli::Cert, printer: Printer) -> Result<(), Failure> {
    match options {
        cli::Cert::Ca(options) => authority(options, printer),
        cli::Cert::Issue(options) => issue(options, printer),
        cli::Cert::Show { file } => show(file, printer),
        cli::Cert::Revoke(options) => revoke(options, printer),
    }
}

fn authority(options: &cli::CertCa, printer: Printer) -> Result<(), Failure> {
    let public = beside(&options.file, "crt")?;
    let made = Authority::new(
        &options.name,
        &fields(&options.fields),
        options.algorithm.into(),
        validity(options.days)?,
        &mut UnwrapErr(SysRng),
    )
    .map_err(|error| usage(&error))?;
    let certificate = made.certificate_pem().map_err(failed)?;
    let mut secret = made.key_pem().map_err(failed)?;
    secret.push_str(&certificate);
    write_private(&options.file, secret.as_bytes())
        .map_err(|error| Failure::of_file(&options.file, error))?;
    write_public(&public, &certificate)?;
    let summary = first(&certificate)?;
    let text = format!(
        "{}: new authority; give {} to everybody",
        options.file.display(),
        public.display()
    );
    printer.print(
        &described("authority", text, &summary)
            .with("path", options.file.display().to_string())
            .with("certificate", public.display().to_string()),
    );
    Ok(())
}

fn issue(options: &cli::CertIssue, printer: Printer) -> Result<(), Failure> {
    let authority = read_authority(&options.ca)?;
    let name = if options.name.starts_with('#') {
        options.name.clone()
    } else {
        format!("#{}#*", options.name)
    };
    let pem = authority
        .issue(
            &name,
            &fields(&options.fields),
            options.algorithm.into(),
            validity(options.days)?,
            &mut UnwrapErr(SysRng),
        )
        .map_err(|error| usage(&error))?;
    write_private(&options.file, pem.as_bytes())
        .map_err(|error| Failure::of_file(&options.file, error))?;
    let summary = first(&pem)?;
    let path = options.file.display().to_string();
    let text = format!(
        "{path}: key and certificate of {name}, serial {}",
        summary.serial
    );
    printer.print(
        &described("certificate", text, &summary)
            .with("path", path)
            .with("name", name),
    );
    Ok(())
}

fn show(file: &Path, printer: Printer) -> Result<(), Failure> {
    let text = files::read(file)?;
    let certificates = summaries(&text).map_err(|error| Failure::of_file(file, error))?;
    for summary in &certificates {
        let role = if summary.authority { ", authority" } else { "" };
        let text = format!(
            "{}\n  issuer   {}\n  serial   {}\n  valid    {} to {}\n  key      {}{role}",
            summary.subject,
            summary.issuer,
            summary.serial,
            date(summary.not_before),
            date(summary.not_after),
            summary.key,
        );
        printer.print(&described("certificate", text, summary));
    }
    Ok(())
}

fn revoke(options: &cli::CertRevoke, printer: Printer) -> Result<(), Failure> {
    let authority = read_authority(&options.ca)?;
    let mut serials = options.serials.clone();
    for file in &options.certificates {
        let text = files::read(file)?;
        let own = summaries(&text).map_err(|error| Failure::of_file(file, error))?;
        serials.extend(own.into_iter().take(1).map(|summary| summary.serial));
    }
    let list = match fs::exists(&options.list) {
        Ok(true) => Some(files::read(&options.list)?),
        Ok(false) => None,
        Err(error) => return Err(Failure::of_file(&options.list, error)),
    };
    let now = now()?;
    let wanted: Vec<&str> = serials.iter().map(String::as_str).collect();
    let renewed = authority
        .revoke(&Revocation {
            list: list.as_deref().map(String::as_str),
            serials: &wanted,
            now,
            next: now.after(u64::from(options.days) * DAY),
        })
        .map_err(|error| match error {
            IssueError::Serial(_) => usage(&error),
            other => Failure::of_file(&options.list, other),
        })?;
    replace(&options.list, &renewed)?;
    let path = options.list.display().to_string();
    let text = match serials.as_slice() {
        [] => format!("{path}: renewed, nothing more is revoked"),
        revoked => format!("{path}: revoked {}", revoked.join(", ")),
    };
    printer.print(
        &Event::new("revoked", text)
            .with("path", path)
            .with("serials", serials)
            .with(
                "next_update",
                date(now.after(u64::from(options.days) * DAY)),
            ),
    );
    Ok(())
}

fn described(event: &str, text: String, summary: &CertificateSummary) -> Event {
    Event::new(event, text)
        .with("subject", summary.subject.as_str())
        .with("issuer", summary.issuer.as_str())
        .with("serial", summary.serial.as_str())
        .with("not_before", date(summary.not_before))
        .with("not_after", date(summary.not_after))
        .with("key", summary.key)
        .with("authority", summary.authority)
}

fn first(pem: &str) -> Result<CertificateSummary, Failure> {
    summaries(pem)
        .ok()
        .and_then(|all| all.into_iter().next())
        .ok_or_else(|| Failure::Failed("certificate cannot be read back".into()))
}

fn read_authority(path: &Path) -> Result<Authority, Failure> {
    let text = files::read(path)?;
    Authority::from_pem(&text).map_err(|error| Failure::of_file(path, error))
}

fn fields(given: &[cli::Field]) -> Vec<(&str, &str)> {
    given
        .iter()
        .map(|field| (field.name.as_str(), field.value.as_str()))
        .collect()
}

fn now() -> Result<Timestamp, Failure> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|_| Failure::Failed("clock is before 1970".into()))?;
    Ok(Timestamp(
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
    ))
}

fn validity(days: u32) -> Result<Validity, Failure> {
    let now = now()?;
    Ok(Validity {
        not_before: Timestamp(now.0.saturating_sub(EARLIER)),
        not_after: now.after(u64::from(days) * DAY),
    })
}

/// The same name with another ending.
fn beside(file: &Path, ending: &str) -> Result<PathBuf, Failure> {
    let beside = file.with_extension(ending);
    if beside == file {
        let text = format!(
            "{}: the certificate goes to a file .{ending}",
            file.display()
        );
        return Err(Failure::Usage(text));
    }
    Ok(beside)
}

fn write_public(path: &Path, text: &str) -> Result<(), Failure> {
    fs::File::create_new(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .map_err(|error| Failure::of_file(path, error))
}

/// Replaces a file at once: whoever reads it sees the old one or the new one.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    // One may be left over from a run that was cut off.
    let _ = fs::remove_file(&new);
    write_public(&new, text)?;
    fs::rename(&new, path).map_err(|error| Failure::of_file(path, error))
}

fn usage(error: &IssueError) -> Failure {
    Failure::Usage(error.to_string())
}

fn failed(error: IssueError) -> Failure {
    Failure::Failed(error.to_string())
}
