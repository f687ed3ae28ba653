//! How events are taken from a group's handle: alike for all kinds of groups.

/// Gives a handle its ways to receive. It has an `inbox` of these events, and a `note` that takes what
/// it remembers of them.
macro_rules! receiving {
    ($handle:ident, $event:ident) => {
        impl $handle {
            /// The next event; `None` when the group is over, after
            #[doc = concat!("[`SelfLeave`](", stringify!($event), "::SelfLeave),")]
            #[doc = concat!("[`Closed`](", stringify!($event), "::Closed)")]
            /// or the refusal of the join.
            ///
            /// # Cancel safety
            /// Cancel safe: no event is lost.
            pub async fn recv(&mut self) -> Option<$event> {
                core::future::poll_fn(|context| self.poll_recv(context)).await
            }

            /// The next event, if one is there.
            pub fn try_recv(&mut self) -> Option<$event> {
                let event = self.inbox.try_recv();
                self.note(event.as_ref());
                event
            }

            /// The next events, at most `limit`, appended to `events`; waits for one. 0 says that
            /// nothing follows.
            ///
            /// # Cancel safety
            /// Cancel safe: no event is lost.
            pub async fn recv_many(&mut self, events: &mut Vec<$event>, limit: usize) -> usize {
                let before = events.len();
                let count = self.inbox.recv_many(events, limit).await;
                self.note(events.get(before..).unwrap_or_default());
                count
            }

            /// Number of events that wait to be taken.
            pub fn pending(&self) -> usize {
                self.inbox.pending()
            }

            /// As [`recv`](Self::recv), with the content of a message copied to `buffer`.
            ///
            /// # Errors
            /// [`TooShort`](crate::TooShort) if the content does not fit. The message stays and is
            /// the next event taken, by whatever call.
            ///
            /// # Cancel safety
            /// Cancel safe: no event is lost.
            pub async fn recv_into(
                &mut self,
                buffer: &mut [u8],
            ) -> Result<Option<$crate::inbox::Received<$event>>, $crate::error::TooShort> {
                let event = self.recv().await;
                let buffers = &mut [std::io::IoSliceMut::new(buffer)];
                self.inbox.copy(event, buffers)
            }

            /// As [`recv_into`](Self::recv_into), with the content in several buffers, each of them
            /// filled before the next.
            ///
            /// # Errors
            /// As [`recv_into`](Self::recv_into).
            ///
            /// # Cancel safety
            /// Cancel safe: no event is lost.
            pub async fn recv_vectored(
                &mut self,
                buffers: &mut [std::io::IoSliceMut<'_>],
            ) -> Result<Option<$crate::inbox::Received<$event>>, $crate::error::TooShort> {
                let event = self.recv().await;
                self.inbox.copy(event, buffers)
            }

            fn poll_recv(
                &mut self,
                context: &mut core::task::Context<'_>,
            ) -> core::task::Poll<Option<$event>> {
                let event = self.inbox.poll_recv(context);
                if let core::task::Poll::Ready(event) = &event {
                    self.note(event.as_ref());
                }
                event
            }
        }
    };
}
pub(crate) use receiving;
