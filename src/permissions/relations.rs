//! Who belongs to whom, as far as rights depend on it.

use homeroom_actors::roster::{Leaderboards, Roster};
use homeroom_schema::{TeamId, UserId};

/// Who belongs to whom now.
pub trait Relations {
    /// Whether a person is a present member of a team.
    fn is_member(&self, team_id: TeamId, user_id: UserId) -> bool;
    /// Whether a person is the mentor of a team that is not archived.
    fn is_mentor_of(&self, mentor_id: UserId, team_id: TeamId) -> bool;
    /// Whether a person is the mentor of a team that the other is a present member of.
    fn mentors(&self, mentor_id: UserId, user_id: UserId) -> bool;
    /// Whether two people are present members of one team.
    fn are_teammates(&self, one: UserId, other: UserId) -> bool;
    /// Whether the node keeps boards at all.
    fn has_boards(&self) -> bool;
}

impl Relations for Roster {
    fn is_member(&self, team_id: TeamId, user_id: UserId) -> bool {
        Self::is_member(self, team_id, user_id)
    }

    fn is_mentor_of(&self, mentor_id: UserId, team_id: TeamId) -> bool {
        self.team(team_id)
            .is_some_and(|team| team.mentor_id == Some(mentor_id) && team.archived_at.is_none())
    }

    fn mentors(&self, mentor_id: UserId, user_id: UserId) -> bool {
        self.mentors_person(mentor_id, user_id)
    }

    fn are_teammates(&self, one: UserId, other: UserId) -> bool {
        self.share_a_team(one, other)
    }

    fn has_boards(&self) -> bool {
        self.leaderboards() != Leaderboards::Off
    }
}
