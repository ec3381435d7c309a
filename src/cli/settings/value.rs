//! What a setting can hold, and how it is read from text (flags, environment) and from TOML, and shown.

use crate::config::{Durability, Leaderboards};
use clap::ValueEnum;
use serde_json::json;
use std::path::PathBuf;
use toml::de::DeValue;

/// How a flag looks on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One value.
    One,
    /// Values separated by commas, or the flag repeated.
    List,
    /// No value needed: the flag alone means yes.
    Switch,
}

/// A place in the settings that one setting fills.
pub(super) trait Value {
    /// Takes what a flag or the environment says. Never empty.
    ///
    /// # Errors
    /// What it must be instead.
    fn take_text(&mut self, text: &str) -> Result<(), String>;

    /// Takes what the file says.
    ///
    /// # Errors
    /// What it must be instead.
    fn take_toml(&mut self, value: &DeValue<'_>) -> Result<(), String>;

    /// The value; null when there is none.
    fn show(&self) -> serde_json::Value;

    fn shape(&self) -> Shape {
        Shape::One
    }

    /// The only values there are, if they can be listed.
    fn choices(&self) -> Vec<String> {
        Vec::new()
    }
}

const TEXT: &str = "must be a text in quotes";

impl Value for String {
    fn take_text(&mut self, text: &str) -> Result<(), String> {
        text.clone_into(self);
        Ok(())
    }

    fn take_toml(&mut self, value: &DeValue<'_>) -> Result<(), String> {
        let text = value.as_str().ok_or(TEXT)?;
        // Empty counts as absent, here as in the environment.
        if text.is_empty() { Ok(()) } else { self.take_text(text) }
    }

    fn show(&self) -> serde_json::Value {
        json!(self)
    }
}

impl Value for PathBuf {
    fn take_text(&mut self, text: &str) -> Result<(), String> {
        *self = text.into();
        Ok(())
    }

    fn take_toml(&mut self, value: &DeValue<'_>) -> Result<(), String> {
        let text = value.as_str().ok_or(TEXT)?;
        if text.is_empty() { Ok(()) } else { self.take_text(text) }
    }

    fn show(&self) -> serde_json::Value {
        json!(self.display().to_string())
    }
}

impl Value for bool {
    fn take_text(&mut self, text: &str) -> Result<(), String> {
        *self = match text.to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => true,
            "false" | "no" | "off" | "0" => false,
            _ => return Err("must be true or false".into()),
        };
        Ok(())
    }

    fn take_toml(&mut self, value: &DeValue<'_>) -> Result<(), String> {
        *self = value.as_bool().ok_or("must be true or false, without quotes")?;
        Ok(())
    }

    fn show(&self) -> serde_json::Value {
        json!(self)
    }

    fn shape(&self) -> Shape {
        Shape::Switch
    }
}

impl Value for Vec<String> {
    fn take_text(&mut self, text: &str) -> Result<(), String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        *self = parts.map(str::to_owned).collect();
        Ok(())
    }

    fn take_toml(&mut self, value: &DeValue<'_>) -> Result<(), String> {
        let must = "must be a list of texts, such as [\"one\", \"two\"]";
        let items = value.as_array().ok_or(must)?;
        let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
        let texts = texts.collect::<Option<Self>>().ok_or(must)?;
        *self = texts.into_iter().filter(|text| !text.is_empty()).collect();
        Ok(())
    }

    fn show(&self) -> serde_json::Value {
        json!(self)
    }

    fn shape(&self) -> Shape {
        Shape::List
    }
}

impl<T: Value + Default> Value for Option<T> {
    fn take_text(&mut self, text: &str) -> Result<(), String> {
        self.get_or_insert_default().take_text(text)
    }

    fn take_toml(&mut self, value: &DeValue<'_>) -> Result<(), String> {
        if value.as_str() == Some("") {
            return Ok(());
        }
        self.get_or_insert_default().take_toml(value)
    }

    fn show(&self) -> serde_json::Value {
        self.as_ref().map_or(serde_json::Value::Null, Value::show)
    }

    fn shape(&self) -> Shape {
        T::default().shape()
    }

    fn choices(&self) -> Vec<String> {
        T::default().choices()
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl Value for $number {
            fn take_text(&mut self, text: &str) -> Result<(), String> {
                let parsed = text.trim().parse();
                *self = parsed.map_err(|_| format!("must be a whole number from 0 to {}", Self::MAX))?;
                Ok(())
            }

            fn take_toml(&mut self, value: &DeValue<'_>) -> Result<(), String> {
                let number = value.as_integer().ok_or("must be a whole number, without quotes")?;
                let parsed = Self::from_str_radix(number.as_str(), number.radix());
                *self = parsed.map_err(|_| format!("must be a whole number from 0 to {}", Self::MAX))?;
                Ok(())
            }

            fn show(&self) -> serde_json::Value {
                json!(self)
            }
        }
    )*};
}

whole_numbers!(u16, u32, u64, usize);

macro_rules! choices {
    ($($choice:ty),*) => {$(
        impl Value for $choice {
            fn take_text(&mut self, text: &str) -> Result<(), String> {
                let must = || format!("must be one of {}", self.choices().join(", "));
                *self = ValueEnum::from_str(text.trim(), true).map_err(|_| must())?;
                Ok(())
            }

            fn take_toml(&mut self, value: &DeValue<'_>) -> Result<(), String> {
                match value.as_str() {
                    Some("") => Ok(()),
                    Some(text) => self.take_text(text),
                    None => Err(TEXT.into()),
                }
            }

            fn show(&self) -> serde_json::Value {
                json!(name(self))
            }

            fn choices(&self) -> Vec<String> {
                Self::value_variants().iter().map(name).collect()
            }
        }
    )*};
}

choices!(Durability, Leaderboards, super::LogFormat);

/// The name of a choice, as it is written.
fn name(choice: &impl ValueEnum) -> String {
    let written = choice.to_possible_value();
    written.map_or_else(String::new, |value| value.get_name().to_owned())
}
