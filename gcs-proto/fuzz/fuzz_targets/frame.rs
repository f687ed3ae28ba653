//! Frames in either direction: what decodes is encoded to the same and decodes again.
#![no_main]

use gcs_proto::codec::{Delivery, Direction, FrameDecoder, Layout, Request, word::REJECT};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for direction in [Direction::ToDaemon, Direction::ToClient] {
        let mut decoder = FrameDecoder::new(direction);
        decoder.push(data);
        while let Ok(Some(frame)) = decoder.next_frame() {
            // A refusal that also asks for a service is read by what follows it, so it does not
            // stand alone.
            if frame.refused_word.is_some() || frame.word & REJECT == 0 {
                let mut again = FrameDecoder::new(direction);
                again.push(&frame.encode());
                assert_eq!(again.next_frame(), Ok(Some(frame.clone())));
            }
            match direction {
                Direction::ToDaemon => {
                    if let Ok(session) = frame.name.try_into() {
                        let _ = Request::decode(frame, &session);
                    }
                }
                Direction::ToClient => {
                    let _ = Delivery::decode(frame.clone(), Layout::OneSet);
                    let _ = Delivery::decode(frame, Layout::Sets);
                }
            }
        }
    }
});
