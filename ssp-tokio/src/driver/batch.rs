//! How many commands go to the task of a connection at once.

/// Most commands that go together.
const COMMANDS: usize = 256;
/// Most bytes that go together, unless one command alone has more.
const BYTES: usize = 64 << 10;

/// Cuts off what goes to the task together with the first command, by the bytes of each.
pub(crate) fn first_batch<C>(commands: &mut Vec<C>, bytes: impl Fn(&C) -> usize) -> Vec<C> {
    let mut sum = 0_usize;
    let few = commands.iter().take(COMMANDS).take_while(|command| {
        sum = sum.saturating_add(bytes(command));
        sum <= BYTES
    });
    let count = few.count().max(1).min(commands.len());
    let later = commands.split_off(count);
    std::mem::replace(commands, later)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_in_order_and_never_empty() {
        for (sizes, first) in [
            (vec![1; 1_000], 256),
            (vec![1_024; 1_000], 64),
            (vec![100_000; 3], 1),
            (vec![0; 3], 3),
        ] {
            let mut commands: Vec<(usize, usize)> = sizes.into_iter().enumerate().collect();
            let all = commands.clone();
            let mut taken = Vec::new();
            while !commands.is_empty() {
                let batch = first_batch(&mut commands, |(_, size)| *size);
                assert!(!batch.is_empty());
                if taken.is_empty() {
                    assert_eq!(batch.len(), first);
                }
                taken.extend(batch);
            }
            assert_eq!(taken, all);
        }
        assert!(first_batch(&mut Vec::<u8>::new(), |_| 0).is_empty());
    }
}
