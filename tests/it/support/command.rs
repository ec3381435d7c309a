//! The command line against a node: the real binary, and what it said.

use super::{ADMIN_TOKEN, Client, NodeProcess};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;

/// The real binary, in a directory, calling a node.
pub struct Homeroom<'d> {
    directory: &'d Path,
    environment: Vec<(&'static str, String)>,
}

/// What a command came to.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl<'d> Homeroom<'d> {
    /// In a directory, with nothing in the environment.
    pub fn in_directory(directory: &'d Path) -> Self {
        Self {
            directory,
            environment: Vec::new(),
        }
    }

    /// The same, calling the node of this client as its admin.
    pub fn calling(directory: &'d Path, node: &Client) -> Self {
        Self::in_directory(directory)
            .with("HOMEROOM_URL", node.base())
            .with("HOMEROOM_TOKEN", ADMIN_TOKEN)
    }

    /// The same with another variable in the environment.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.retain(|(other, _)| *other != name);
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Runs a command.
    pub async fn run(&self, arguments: &[&str]) -> Said {
        let mut command = NodeProcess::command();
        command
            .args(arguments)
            .current_dir(self.directory)
            .stdout(Stdio::piped());
        command.envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())));
        let output = command.output().await.expect("the binary runs");
        Said {
            code: output.status.code().expect("an exit code"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Runs a command that must succeed, and reads its JSON.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat()).await.expect(0);
        serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {}", said.stdout))
    }
}

impl Said {
    /// Requires an exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        self
    }

    /// Requires that something was said on stderr.
    #[track_caller]
    pub fn with_error(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "{part:?} is not in {}", self.stderr);
        self
    }
}
