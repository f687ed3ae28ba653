//! Any sequence of events and calls.

use super::*;

proptest! {
    #[test]
    fn no_sequence_of_events_and_calls_panics(acts in acts()) {
        let chat = group("chat");
        let mut world = World::of(10, &["alice", "bob"]);
        world.join(0, chat);
        for act in acts {
            world.now = world.now.after(100);
            let now = world.now;
            match act {
                Act::Event(event) => world.nodes[0].inbox.push_back(event),
                Act::Echo => {}
                Act::Join => {
                    let _ = world.nodes[0].session().join(chat, GroupOptions::default(), now);
                }
                Act::Leave => {
                    let _ = world.nodes[0].session().leave(&chat);
                }
                Act::Refresh => {
                    let _ = world.refresh(0, chat);
                }
                Act::FlushOk => {
                    let _ = world.flush_ok(0, chat);
                }
                Act::Send => {
                    let _ = world.send(0, chat, Service::Fifo, b"never in the clear, never");
                }
                Act::Wait => world.nodes[0]
                    .session
                    .as_mut()
                    .unwrap()
                    .handle_timeout(Timestamp(now.0 + 5_000), &mut world.rng),
            }
            while world.step() {}
        }
        for (_, message) in &world.wire {
            prop_assert!(!support::contains(&message.body, b"never in the clear"));
        }
    }
}
