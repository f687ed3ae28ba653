//! Sequence numbers, epochs and limits.

use super::*;

#[test]
fn replays_and_old_messages() {
    let mut alice = keys(ALICE);
    let messages: Vec<Vec<u8>> = (0..1_100_u32)
        .map(|number| seal(&mut alice, &number.to_be_bytes()))
        .collect();
    let mut bob = keys(BOB);
    // Out of order inside the window.
    for index in [3, 1, 2, 0] {
        assert!(open(&mut bob, &messages[index]).is_ok());
    }
    for (index, message) in messages[..4].iter().enumerate() {
        let sequence = index as u64 + 1;
        assert_eq!(
            open(&mut bob, message),
            Err(OpenError::Replay(Replay::Repeated(sequence)))
        );
    }
    assert!(open(&mut bob, &messages[1_099]).is_ok());
    // 1100 - 1024 = 76 is the newest one behind the window.
    assert_eq!(
        open(&mut bob, &messages[75]),
        Err(OpenError::Replay(Replay::Old(76)))
    );
    assert!(open(&mut bob, &messages[76]).is_ok());
    // The own ones that come back have their own window.
    assert!(open(&mut alice, &messages[0]).is_ok());
    assert_eq!(
        open(&mut alice, &messages[0]),
        Err(OpenError::Replay(Replay::Repeated(1)))
    );
}

#[test]
fn ordered_and_unordered_services_have_windows_of_their_own() {
    let mut alice = keys(ALICE);
    let mut bob = keys(BOB);
    let slow = alice
        .seal(Service::Reliable, 1, &[b"slow"], &mut rng())
        .unwrap();
    let stale = alice
        .seal(Service::Fifo, 1, &[b"stale"], &mut rng())
        .unwrap();
    for _ in 0..1_025 {
        let message = alice.seal(Service::Safe, 1, &[b"x"], &mut rng()).unwrap();
        assert!(bob.open(&name(ALICE), Service::Safe, &message).is_ok());
    }
    assert!(bob.open(&name(ALICE), Service::Reliable, &slow).is_ok());
    assert_eq!(
        bob.open(&name(ALICE), Service::Fifo, &stale),
        Err(OpenError::Replay(Replay::Old(2)))
    );
}

#[test]
fn sequence_numbers_out_of_range() {
    let mut bob = keys(BOB);
    // The forgery itself is right: its number can be taken.
    assert!(open(&mut keys(BOB), &forged_by_member(1)).is_ok());
    for sequence in [0, SEQUENCE_MAX + 1, u64::MAX] {
        assert_eq!(
            open(&mut bob, &forged_by_member(sequence)),
            Err(OpenError::Replay(Replay::OutOfRange(sequence)))
        );
    }
    assert!(open(&mut bob, &forged_by_member(SEQUENCE_MAX)).is_ok());
}

#[test]
fn a_key_is_used_up_by_messages_or_bytes() {
    let mut last = keys_of(
        ALICE,
        "chat",
        RecordSuite::default(),
        epoch(0).counted(SEQUENCE_MAX, 0),
    );
    let sealed = seal(&mut last, b"the last one");
    assert_eq!(Header::accept(&sealed).unwrap().sequence, SEQUENCE_MAX);
    assert!(open(&mut keys(BOB), &sealed).is_ok());
    let again = last.seal(Service::Fifo, 1, &[b"x"], &mut rng());
    assert_eq!(again, Err(SealError::KeyExhausted));

    let length = RecordSuite::default().overhead() as u64 + 10;
    let mut full = keys_of(
        ALICE,
        "chat",
        RecordSuite::default(),
        epoch(0).counted(1, SEALED_BYTES_MAX - length),
    );
    let eleven = full.seal(Service::Fifo, 1, &[&[0; 11]], &mut rng());
    assert_eq!(eleven, Err(SealError::KeyExhausted));
    assert!(full.seal(Service::Fifo, 1, &[&[0; 10]], &mut rng()).is_ok());
    let more = full.seal(Service::Fifo, 1, &[], &mut rng());
    assert_eq!(more, Err(SealError::KeyExhausted));
    // A refresh goes on.
    full.refresh(epoch(1));
    assert!(full.seal(Service::Fifo, 1, &[b"x"], &mut rng()).is_ok());
}

#[test]
fn the_epoch_before_opens_and_the_one_before_that_does_not() {
    let (mut alice, mut bob) = (keys(ALICE), keys(BOB));
    let first = seal(&mut alice, b"epoch 0");
    let late = seal(&mut alice, b"epoch 0, late");
    alice.refresh(epoch(1));
    bob.refresh(epoch(1));
    assert_eq!(open(&mut bob, &first).unwrap().epoch, 0);
    assert_eq!(
        open(&mut bob, &first),
        Err(OpenError::Replay(Replay::Repeated(1)))
    );
    // Numbers start again; the key is another one, and it alone seals.
    let second = seal(&mut alice, b"epoch 1");
    assert_eq!(Header::accept(&second).unwrap().sequence, 1);
    assert_eq!(
        Header::accept(&second).unwrap().key_id,
        alice.schedule().key_id()
    );
    assert_eq!(open(&mut bob, &second).unwrap().epoch, 1);
    alice.refresh(epoch(2));
    bob.refresh(epoch(2));
    assert_eq!(open(&mut bob, &late), Err(OpenError::WrongKey));
    assert_eq!(
        open(&mut bob, &second),
        Err(OpenError::Replay(Replay::Repeated(1)))
    );
}

#[test]
fn initialisation_vectors_and_sequence_numbers_do_not_repeat() {
    let mut alice = keys(ALICE);
    let mut rng = rng();
    let (mut vectors, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..500 {
        let sealed = alice.seal(Service::Fifo, 1, &[b"same"], &mut rng).unwrap();
        assert!(vectors.insert(sealed[20..36].to_vec()));
        assert!(numbers.insert(Header::accept(&sealed).unwrap().sequence));
    }
    assert_eq!(numbers.last(), Some(&500));
}
