//! What the node's roster holds before an import: found by number and by name.

use super::Kind;
use crate::client::{Client, ClientError};
use serde_json::Value;
use std::collections::HashMap;

/// The roster, as far as a file of this kind may refer to it.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) users: Things,
    pub(super) teams: Things,
    pub(super) qualifications: Things,
    pub(super) units: Things,
    /// Of the teams that were asked for: member to role.
    pub(super) members: HashMap<u64, HashMap<u64, Option<String>>>,
}

/// All things of one list.
#[derive(Debug, Default)]
pub(super) struct Things {
    by_id: HashMap<u64, Thing>,
    by_name: HashMap<String, Vec<u64>>,
    id_max: u64,
    /// Whether `Blue` and `BLUE` are the same: for teams and courses, never for people.
    folds_case: bool,
}

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Thing {
    pub(super) name: String,
    pub(super) is_archived: bool,
    pub(super) is_erased: bool,
    pub(super) fields: Value,
}

/// What a name leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nobody,
    One(u64),
    Several(Vec<u64>),
}

impl Things {
    pub(super) fn new(items: Vec<Value>, folds_case: bool) -> Self {
        let mut things = Self {
            folds_case,
            ..Self::default()
        };
        for fields in items {
            let Some(id) = fields["id"].as_u64() else { continue };
            let name = fields["name"].as_str().or_else(|| fields["title"].as_str());
            let thing = Thing {
                name: name.unwrap_or_default().to_owned(),
                is_archived: !fields["archived_at"].is_null(),
                is_erased: fields.get("erased_at").is_some_and(|at| !at.is_null()),
                fields,
            };
            things.id_max = things.id_max.max(id);
            if !thing.is_archived && !thing.is_erased {
                let key = things.key(&thing.name);
                things.by_name.entry(key).or_default().push(id);
            }
            things.by_id.insert(id, thing);
        }
        things
    }

    pub(super) fn get(&self, id: u64) -> Option<&Thing> {
        self.by_id.get(&id)
    }

    /// Those in use with this name.
    pub(super) fn named(&self, name: &str) -> Found {
        match self.by_name.get(&self.key(name)).map(Vec::as_slice) {
            None | Some([]) => Found::Nobody,
            Some([one]) => Found::One(*one),
            Some(several) => Found::Several(several.to_vec()),
        }
    }

    /// A number that nothing has had so far.
    pub(super) fn next_id(&mut self) -> u64 {
        self.id_max += 1;
        self.id_max
    }

    /// A number is taken from now on.
    pub(super) fn take(&mut self, id: u64) {
        self.id_max = self.id_max.max(id);
    }

    pub(super) fn key(&self, name: &str) -> String {
        let plain = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if self.folds_case { plain.to_lowercase() } else { plain }
    }
}

impl Known {
    /// Reads the lists that a file of this kind may refer to.
    pub(super) async fn load(client: &Client, kind: Kind) -> Result<Self, ClientError> {
        let mut known = Self {
            users: Things::new(Vec::new(), false),
            teams: Things::new(Vec::new(), true),
            qualifications: Things::new(Vec::new(), true),
            units: Things::new(Vec::new(), true),
            members: HashMap::new(),
        };
        // Those put away too: their numbers are taken.
        if matches!(kind, Kind::Users | Kind::Teams) {
            known.users = Things::new(client.all("/users?archived=true").await?, false);
            known.teams = Things::new(client.all("/teams?archived=true").await?, true);
        }
        if kind != Kind::Teams {
            let all = client.all("/qualifications?archived=true").await?;
            known.qualifications = Things::new(all, true);
        }
        if kind == Kind::Units {
            known.units = Things::new(client.all("/units?archived=true").await?, true);
        }
        Ok(known)
    }

    /// The things of a list.
    pub(super) fn list(&mut self, list: &str) -> &mut Things {
        match list {
            "users" => &mut self.users,
            "teams" => &mut self.teams,
            "units" => &mut self.units,
            _ => &mut self.qualifications,
        }
    }

    /// Reads who is in these teams.
    pub(super) async fn load_members(&mut self, client: &Client, teams: &[u64]) -> Result<(), ClientError> {
        for team in teams {
            let shown: Value = client.get(&format!("/teams/{team}")).await?;
            let members = shown["members"].as_array().into_iter().flatten();
            let pair = |member: &Value| Some((member["user_id"].as_u64()?, member["role"].as_str().map(str::to_owned)));
            self.members.insert(*team, members.filter_map(pair).collect());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_lead_to_those_in_use_and_numbers_of_the_others_stay_taken() {
        let items = vec![
            json!({"id": 1, "name": "Ada", "archived_at": null}),
            json!({"id": 2, "name": "Ada", "archived_at": null}),
            json!({"id": 9, "name": "Ben", "archived_at": "2026-01-01T00:00:00.000Z"}),
        ];
        let mut people = Things::new(items.clone(), false);
        assert_eq!(people.named("Ada"), Found::Several(vec![1, 2]));
        assert_eq!(people.named("ada"), Found::Nobody);
        assert_eq!(people.named("Ben"), Found::Nobody);
        assert_eq!(people.next_id(), 10);
        let teams = Things::new(
            vec![json!({"id": 3, "name": "Blue  Whales", "archived_at": null})],
            true,
        );
        assert_eq!(teams.named("blue whales"), Found::One(3));
    }
}
