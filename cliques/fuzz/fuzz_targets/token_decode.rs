//! Envelopes: no panic, and no token that could be read twice or was altered verifies.
#![no_main]

use cliques::{Protocol, ReceivedToken, testing::signature::TestVerifier};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(received) = ReceivedToken::decode(bytes, Protocol::GDH) else {
        return;
    };
    assert_eq!(ReceivedToken::decode(bytes, Protocol::GDH).as_ref(), Ok(&received));
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(ReceivedToken::decode(&longer, Protocol::GDH).is_err(), "bytes left over");
    if let Ok(token) = received.clone().verify(&TestVerifier::new()) {
        assert_eq!(token.sender(), received.sender());
        assert!(
            bytes
                .windows(token.body().len().max(1))
                .any(|w| w == token.body())
                || token.body().is_empty()
        );
    }
});
