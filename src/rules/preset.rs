//! Rules to begin with, chosen at the set-up: documents that say what differs from the shipped ones.

/// A choice of the set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// The shipped rules, or those that the node was started with.
    #[default]
    Standard,
    /// Cool-downs and daily caps.
    Calm,
    /// Teams compare fairly.
    Teamwork,
}

impl Preset {
    /// The wire name, which is also the name of its rules.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Calm => "calm",
            Self::Teamwork => "teamwork",
        }
    }

    /// Reads the wire name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Standard, Self::Calm, Self::Teamwork]
            .into_iter()
            .find(|preset| preset.as_str() == text)
    }

    /// Its document; none where the rules stay as they are.
    #[must_use]
    pub const fn document(self) -> Option<&'static str> {
        match self {
            Self::Standard => None,
            Self::Calm => Some(include_str!("presets/calm.toml")),
            Self::Teamwork => Some(include_str!("presets/teamwork.toml")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_sound_and_named_as_it_is_chosen() {
        for preset in [Preset::Calm, Preset::Teamwork] {
            let rules = crate::rules::parse(preset.document().expect("a document")).expect("sound rules");
            assert_eq!(rules.name, preset.as_str());
            assert_eq!(Preset::parse(preset.as_str()), Some(preset));
        }
        assert_eq!(Preset::parse("wild"), None);
    }
}
