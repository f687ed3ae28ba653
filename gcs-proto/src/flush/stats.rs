//! Counters of what a flush layer did and what it dropped.

/// What happened since the layer was made; every counter saturates.
///
/// Late, repeated and foreign messages are normal while views follow each other quickly, so they
/// are counted here and reported nowhere else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Views installed.
    pub views: u64,
    /// Changes given up because a member left without acknowledging them.
    pub collapsed: u64,
    /// Flush acknowledgements sent.
    pub acknowledgements_sent: u64,
    /// User messages sent with the tag of their view.
    pub tagged_sent: u64,
    /// Messages kept until the view they were sent in was installed.
    pub postponed: u64,
    /// Dropped: the content is too short or otherwise not what its type needs.
    pub malformed: u64,
    /// Dropped: a message for a group without a record here.
    pub unknown_group: u64,
    /// Dropped: a user message of somebody outside the view.
    pub outsiders: u64,
    /// Dropped: a message tagged for a view that is neither installed nor next.
    pub stale_tags: u64,
    /// Dropped: an acknowledgement or confirmation that counts for nothing, because its sender is
    /// not a member of the change, has sent it before, or comes when the view is settled.
    pub uncounted: u64,
    /// Dropped: early acknowledgements of a membership that never came, by age or by number.
    pub expired: u64,
    /// Dropped: memberships that repeat an id or do not list the receiver exactly once.
    pub illegal_memberships: u64,
}

/// Adds one without ever wrapping.
pub(super) fn count(counter: &mut u64) {
    add(counter, 1);
}

/// Adds `amount` without ever wrapping.
pub(super) fn add(counter: &mut u64, amount: u64) {
    *counter = counter.saturating_add(amount);
}
