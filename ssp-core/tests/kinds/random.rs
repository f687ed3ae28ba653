//! Groups of all kinds through random histories.

use super::*;

#[test]
fn all_kinds_go_through_partitions_and_merges_together() {
    let mut total = (0, 0, 0);
    for seed in 100..140 {
        let log = history(seed);
        total.0 += log.sealed.len();
        total.1 += log.in_views.len();
        total.2 += log.bare.len();
    }
    // A history that sends nothing proves nothing.
    assert!(total.0 > 100 && total.1 > 100 && total.2 > 100, "{total:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_happens_nothing_in_the_clear_goes_into_a_secure_group(
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let mut world = World::new(1);
        let credentials = Credentials {
            signer: Arc::new(signer("alice")),
            trust: Arc::new(trust(&["alice", "bob"])),
        };
        let mut session = Session::new(member("alice"), credentials, SessionConfig::default());
        let mut wire = Vec::new();
        for step in steps {
            let secure: Vec<GroupName> = [vault(), views(), open()]
                .into_iter()
                .filter(|name| session.kind(name) == Some(GroupKind::Secure))
                .collect();
            run(step, &mut session, &mut wire, &mut world);
            while let Some(command) = session.poll_command() {
                let GcsCommand::Multicast(sent) = command else {
                    continue;
                };
                let clear = contains(&sent.body, CLEAR);
                let to_secure = secure
                    .iter()
                    .any(|group| sent.destinations.contains(group.as_name()));
                prop_assert!(!(clear && to_secure));
                wire.push(sent);
            }
            while let Some(event) = session.poll_event() {
                let kind = event.group().and_then(|group| session.kind(group));
                // Of a group that is still there: in the words of its kind.
                match &event {
                    SessionEvent::Bare(_) => prop_assert!(
                        matches!(kind, None | Some(GroupKind::Bare))
                    ),
                    SessionEvent::Flush(_) => prop_assert!(
                        matches!(kind, None | Some(GroupKind::Flush))
                    ),
                    SessionEvent::SecureView(_) | SessionEvent::Message(_) => prop_assert!(
                        matches!(kind, Some(GroupKind::Secure))
                    ),
                    _ => {}
                }
            }
        }
    }
}
