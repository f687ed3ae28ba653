//! `ssp demo`: a secure group through every membership event, checked at each step.
//!
//! ```text
//!   members m1 m3 m5 ... on daemon n1       members m2 m4 ... on daemon n2
//!   found, join ... join     one by one
//!   file                     from one to all, digests compared
//!   leave, crash, recover    a member each
//!   partition                n1 | n2, a key and a message on each side
//!   merge, refresh
//! ```
//!
//! After each event all members of a view must hold the same key, and no key may ever come back.

mod cast;
mod meter;
mod stage;
mod table;

use gcs_proto::service::Service;
use sha2::{Digest, Sha256};

use crate::{
    cli,
    error::Failure,
    output::{Event, Printer},
};
use stage::Stage;

/// What is sent where no file is given.
const TEXT: &[u8] = b"Nobody hands the key out: every member contributes to it.";

pub(crate) async fn run(options: cli::Demo, printer: Printer) -> Result<(), Failure> {
    let content = match &options.file {
        Some(path) => tokio::fs::read(path)
            .await
            .map_err(|error| Failure::of_file(path, error))?,
        None => TEXT.to_vec(),
    };
    let mut stage = Stage::open(&options, printer).await?;
    let members = usize::from(options.members);
    printer.line(&format!(
        "{members} members on two daemons, {} over {}, messages sealed with {}\n",
        options.agreement.protocol,
        options.agreement.group_params,
        stage.record(),
    ));
    stage.print_head();

    for number in 1..=members {
        stage.enter(number).await?;
        let event = if number == 1 { "found" } else { "join" };
        stage.settle(event).await?;
    }
    exchange(&mut stage, &content, printer).await?;

    let leaver = members;
    stage.leave(leaver).await?;
    stage.settle("leave").await?;

    let crashed = 2;
    stage.crash(crashed)?;
    stage.settle("crash").await?;
    stage.enter(crashed).await?;
    stage.settle("recover").await?;

    stage.partition().await?;
    stage.settle_sides("partition").await?;
    let mut delivered = 0;
    for side in stage.sides() {
        let digests = stage.multicast(&side, Service::Agreed, TEXT).await?;
        check_digests(&digests, TEXT)?;
        delivered += digests.len();
    }
    let text = match delivered {
        0 => "  nobody to send to on either side".to_owned(),
        delivered => format!("  a message on each side, {delivered} delivered"),
    };
    printer.print(&Event::new("traffic", text).with("delivered", delivered));
    stage.heal().await?;
    stage.settle("merge").await?;

    stage.refresh().await?;
    stage.settle_refresh("refresh").await?;

    let keys = stage.keys();
    stage.close().await;
    printer.print(
        &Event::new("done", format!("\nall members agreed on {keys} keys")).with("keys", keys),
    );
    Ok(())
}

/// Sends `content` from the first member to all and compares digests.
async fn exchange(stage: &mut Stage, content: &[u8], printer: Printer) -> Result<(), Failure> {
    let all = stage.present();
    let digests = stage.multicast(&all, Service::Fifo, content).await?;
    check_digests(&digests, content)?;
    let digest = hex::encode(Sha256::digest(content));
    let text = format!(
        "  {} bytes sealed by m1, sha256 {digest}: equal at {} members",
        content.len(),
        digests.len()
    );
    printer.print(
        &Event::new("file", text)
            .with("size", content.len())
            .with("sha256", digest)
            .with("members", digests.len()),
    );
    Ok(())
}

fn check_digests(digests: &[(String, [u8; 32])], content: &[u8]) -> Result<(), Failure> {
    let expected: [u8; 32] = Sha256::digest(content).into();
    match digests.iter().find(|(_, digest)| *digest != expected) {
        None => Ok(()),
        Some((member, digest)) => {
            let got = hex::encode(digest);
            let expected = hex::encode(expected);
            Err(Failure::Failed(format!(
                "{member} got sha256 {got}, {expected} was sent"
            )))
        }
    }
}
