//! The group, its daemon, and the checks after each event.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Instant,
};

use bytes::Bytes;
use futures_util::future::{join_all, try_join};
use gcs_daemon::{Control, Daemon, VirtualDaemon};
use gcs_proto::{
    gcs::SelfDelivery,
    name::{DaemonName, GroupName, MemberName},
    service::Service,
};
use ssp_core::{GroupOptions, RecordSuite, SecureViewEvent};

use super::{
    cast::{Identities, Member},
    meter::Meter,
    table::{self, Row},
};
use crate::{cli, error::Failure, output::Printer};

/// Bytes of a file in one message.
const CHUNK: usize = 64 << 10;

/// Message type of what the demo sends.
const CONTENT: i16 = 1;

/// Everything that plays a part.
pub(super) struct Stage {
    daemon: Daemon,
    control: Control,
    names: [DaemonName; 2],
    addresses: [SocketAddr; 2],
    identities: Identities,
    group: GroupName,
    options: GroupOptions,
    members: BTreeMap<usize, Member>,
    fingerprints: BTreeSet<String>,
    meter: Meter,
    printer: Printer,
    /// When the event under way began.
    began: Instant,
}

impl Stage {
    /// Starts the daemon and makes the identities.
    pub(super) async fn open(options: &cli::Demo, printer: Printer) -> Result<Self, Failure> {
        let name = |text: &str| -> Result<DaemonName, Failure> {
            text.parse().map_err(|error| Failure::of(text, error))
        };
        let names = [name("n1")?, name("n2")?];
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut builder = Daemon::builder();
        for name in names {
            builder = builder.daemon(VirtualDaemon::new(name).listen(local));
        }
        let daemon = builder
            .start()
            .await
            .map_err(|error| Failure::of("daemon", error))?;
        let address = |name: &DaemonName| {
            daemon
                .local_addr(name)
                .ok_or_else(|| Failure::Failed(format!("daemon {name} listens nowhere")))
        };
        let [first, second] = &names;
        let addresses = [address(first)?, address(second)?];
        Ok(Self {
            control: daemon.control(),
            meter: Meter::new(daemon.tap()),
            daemon,
            names,
            addresses,
            identities: Identities::new(usize::from(options.members))?,
            group: "demo".parse().map_err(|error| Failure::of("demo", error))?,
            options: options.agreement.options(&options.sealing),
            members: BTreeMap::new(),
            fingerprints: BTreeSet::new(),
            printer,
            began: Instant::now(),
        })
    }

    pub(super) const fn record(&self) -> RecordSuite {
        self.options.record
    }

    pub(super) fn print_head(&self) {
        table::print_head(self.printer);
    }

    /// Keys that were agreed on so far.
    pub(super) fn keys(&self) -> usize {
        self.fingerprints.len()
    }

    /// Numbers of the members that take part.
    pub(super) fn present(&self) -> Vec<usize> {
        self.members.keys().copied().collect()
    }

    /// Numbers of the members of each daemon.
    pub(super) fn sides(&self) -> [Vec<usize>; 2] {
        let (first, second) = self
            .present()
            .into_iter()
            .partition(|number| number % 2 == 1);
        [first, second]
    }

    /// A member connects, odd ones to the first daemon, and joins.
    pub(super) async fn enter(&mut self, number: usize) -> Result<(), Failure> {
        self.began = Instant::now();
        let [first, second] = self.addresses;
        let address = if number % 2 == 1 { first } else { second };
        let options = self.options.clone();
        let member = Member::enter(number, address, &self.identities, self.group, options).await?;
        self.members.insert(number, member);
        Ok(())
    }

    fn take(&mut self, number: usize) -> Result<Member, Failure> {
        self.began = Instant::now();
        self.members
            .remove(&number)
            .ok_or_else(|| Failure::Failed(format!("m{number} does not take part")))
    }

    /// A member leaves in good order.
    pub(super) async fn leave(&mut self, number: usize) -> Result<(), Failure> {
        self.take(number)?.leave().await
    }

    /// A member's socket is cut.
    pub(super) fn crash(&mut self, number: usize) -> Result<(), Failure> {
        self.take(number)?.crash()
    }

    /// The daemons lose each other.
    pub(super) async fn partition(&mut self) -> Result<(), Failure> {
        self.began = Instant::now();
        let [first, second] = self.names;
        let partition = format!("{first} | {second}")
            .parse()
            .map_err(|error| Failure::of("partition", error))?;
        self.control
            .partition(partition)
            .await
            .map_err(|error| Failure::of("partition", error))
    }

    /// The daemons find each other.
    pub(super) async fn heal(&mut self) -> Result<(), Failure> {
        self.began = Instant::now();
        self.control
            .heal()
            .await
            .map_err(|error| Failure::of("heal", error))
    }

    /// The first member asks for a new key.
    pub(super) async fn refresh(&mut self) -> Result<(), Failure> {
        self.began = Instant::now();
        match self.members.values().next() {
            Some(member) => member
                .group
                .refresh()
                .await
                .map_err(|error| Failure::of(member.name(), error)),
            None => Err(Failure::Failed("nobody is there to refresh the key".into())),
        }
    }

    /// Waits until all members share a secure view.
    pub(super) async fn settle(&mut self, event: &str) -> Result<(), Failure> {
        let all = self.present();
        let views = self.views_of(&all).await?;
        self.conclude(event, &[views])
    }

    /// Waits until the members of each daemon share a secure view.
    pub(super) async fn settle_sides(&mut self, event: &str) -> Result<(), Failure> {
        let [first, second] = self.sides();
        let first = self.views_of(&first).await?;
        let second = self.views_of(&second).await?;
        self.conclude(event, &[first, second])
    }

    /// Waits until all members have a new key in the view they are in.
    pub(super) async fn settle_refresh(&mut self, event: &str) -> Result<(), Failure> {
        let waits = self.members.values_mut().map(Member::refreshed);
        let views = join_all(waits)
            .await
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?;
        self.conclude(event, &[views])
    }

    async fn views_of(&mut self, numbers: &[usize]) -> Result<Vec<SecureViewEvent>, Failure> {
        let mut names: Vec<MemberName> =
            self.chosen(numbers).map(|member| *member.name()).collect();
        names.sort();
        let waits = self.chosen(numbers).map(|member| member.view_of(&names));
        join_all(waits).await.into_iter().collect()
    }

    fn chosen(&mut self, numbers: &[usize]) -> impl Iterator<Item = &mut Member> {
        self.members
            .values_mut()
            .filter(|member| numbers.contains(&member.number))
    }

    /// Checks that each side has one key that was never seen before, and prints the event.
    fn conclude(&mut self, event: &str, sides: &[Vec<SecureViewEvent>]) -> Result<(), Failure> {
        let milliseconds = self.began.elapsed().as_millis();
        let rounds = self.meter.rounds();
        for views in sides {
            let mut fingerprints = views.iter().map(|view| view.fingerprint.to_string());
            let Some(fingerprint) = fingerprints.next() else {
                continue;
            };
            if let Some(other) = fingerprints.find(|other| *other != fingerprint) {
                let text = format!("{event}: one view has the keys {fingerprint} and {other}");
                return Err(Failure::Failed(text));
            }
            if !self.fingerprints.insert(fingerprint.clone()) {
                return Err(Failure::Failed(format!(
                    "{event}: key {fingerprint} was used before"
                )));
            }
            Row {
                event,
                views,
                rounds,
                milliseconds,
            }
            .print(self.printer);
        }
        Ok(())
    }

    /// The first of `numbers` sends, all of them receive; tells who got what.
    pub(super) async fn multicast(
        &mut self,
        numbers: &[usize],
        service: Service,
        content: &[u8],
    ) -> Result<Vec<(String, [u8; 32])>, Failure> {
        let mut chosen = self.chosen(numbers);
        let Some(sender) = chosen.next() else {
            return Ok(Vec::new());
        };
        let send = async {
            for chunk in content.chunks(CHUNK) {
                let chunk = Bytes::copy_from_slice(chunk);
                sender
                    .group
                    .multicast_with(service, SelfDelivery::Discard, CONTENT, chunk)
                    .await
                    .map_err(|error| Failure::of(sender.name(), error))?;
            }
            Ok(())
        };
        // The receivers read while the sender writes, so that no queue has to hold a whole file.
        let receive = async {
            join_all(chosen.map(|member| member.digest(content.len())))
                .await
                .into_iter()
                .collect()
        };
        let ((), digests) = try_join(send, receive).await?;
        Ok(digests)
    }

    /// Ends everything.
    pub(super) async fn close(self) {
        join_all(self.members.into_values().map(Member::close)).await;
        self.daemon.shutdown().await;
    }
}
