//! Membership bodies in both layouts and byte orders: what is read is written to the same meaning.
#![no_main]

use gcs_proto::{
    codec::{Layout, MembershipBody},
    gcs::ByteOrder,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        for layout in [Layout::Sets, Layout::OneSet] {
            let Ok(body) = MembershipBody::decode(data, order, layout) else {
                continue;
            };
            let names: usize = body.sets.iter().map(Vec::len).sum();
            assert!(names * 32 <= data.len(), "no more than what is there");
            for other in [ByteOrder::Little, ByteOrder::Big] {
                let again = MembershipBody::decode(&body.encode(other), other, Layout::Sets);
                assert_eq!(again.as_ref(), Ok(&body));
            }
        }
    }
});
