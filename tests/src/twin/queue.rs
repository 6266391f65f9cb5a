//! The queues of a pod's job workers: what is urgent first, then what is high, each job after a delay.

/// What a worker does.
#[derive(Debug, Clone)]
pub(super) enum Job {
    /// A public envelope, with the number of tries so far.
    ReceivePublic(Vec<u8>, u32),
    /// An envelope for one of the pod's users, by GUID, with the number of tries so far.
    ReceivePrivate(String, Vec<u8>, u32),
    /// Carries out a move that was taken: old and new handle.
    Migrate(String, String),
    /// Tells the new pod whether a user shares.
    Echo(String, String),
    /// A user, by GUID, hears that somebody no longer shares.
    Disconnect(String, String),
    /// Tells everybody that an account of this pod, which is closed, no longer shares.
    Retract(String),
}

impl Job {
    /// diaspora*'s queues: 0 is emptied before 1.
    fn queue(&self) -> u8 {
        match self {
            Self::ReceivePublic(..) | Self::ReceivePrivate(..) | Self::Disconnect(..) => 0,
            Self::Migrate(..) | Self::Echo(..) | Self::Retract(..) => 1,
        }
    }
}

/// Jobs that wait, with the time (milliseconds) from which on they may run.
#[derive(Debug, Default)]
pub(super) struct Queues(Vec<(i64, u64, Job)>, u64);

impl Queues {
    pub(super) fn push(&mut self, due: i64, job: Job) {
        self.1 += 1;
        self.0.push((due, self.1, job));
    }

    /// The next job that may run by `now`: the most urgent one first.
    pub(super) fn pop(&mut self, now: i64) -> Option<(i64, Job)> {
        let runnable = self.0.iter().enumerate().filter(|(_, (due, ..))| *due <= now);
        let next = runnable.min_by_key(|(_, (due, number, job))| (job.queue(), *due, *number));
        let index = next.map(|(index, _)| index)?;
        let (due, _, job) = self.0.swap_remove(index);
        Some((due, job))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
