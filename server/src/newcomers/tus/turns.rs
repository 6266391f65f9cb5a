//! One writer for each file.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Which files are written to just now: two writers would mix their bytes.
#[derive(Debug, Clone, Default)]
pub(in crate::newcomers) struct Turns(Arc<Mutex<HashSet<String>>>);

/// As long as this is there, nobody else writes.
pub(super) struct Turn {
    turns: Turns,
    name: String,
}

impl Turns {
    /// The turn, when nobody else has it.
    pub(super) fn take(&self, name: &str) -> Option<Turn> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(name.to_owned()).then(|| Turn { turns: self.clone(), name: name.to_owned() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writes_at_a_time() {
        let turns = Turns::default();
        let first = turns.take("a");
        assert!(first.is_some() && turns.take("a").is_none() && turns.take("b").is_some());
        drop(first);
        assert!(turns.take("a").is_some());
    }
}
