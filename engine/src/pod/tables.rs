//! Tables of a pod's database that several modules use.

use crate::domain::RelayableEntity;

/// The tables of relayables, each with the table of its signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RelayableTable {
    Comments,
    Likes,
    PollParticipations,
}

impl RelayableTable {
    pub(crate) const ALL: [Self; 3] = [Self::Comments, Self::Likes, Self::PollParticipations];

    /// Returns the table of a record.
    pub(crate) fn of(entity: &RelayableEntity) -> Self {
        match entity {
            RelayableEntity::Comment(_) => Self::Comments,
            RelayableEntity::Like(_) => Self::Likes,
            RelayableEntity::PollParticipation(_) => Self::PollParticipations,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Comments => "comments",
            Self::Likes => "likes",
            Self::PollParticipations => "poll_participations",
        }
    }

    /// Returns the table of signatures.
    pub(crate) const fn signatures(self) -> &'static str {
        match self {
            Self::Comments => "comment_signatures",
            Self::Likes => "like_signatures",
            Self::PollParticipations => "poll_participation_signatures",
        }
    }

    /// Returns the column of a signature that contains the row ID of its record.
    pub(crate) const fn signature_key(self) -> &'static str {
        match self {
            Self::Comments => "comment_id",
            Self::Likes => "like_id",
            Self::PollParticipations => "poll_participation_id",
        }
    }
}
