//! The flags that name a node and who is calling it: the same for every command that talks to one.

use super::{Client, ClientError};
use crate::auth::admin::ADMIN_TOKEN_FILE;
use std::io;
use std::path::{Path, PathBuf};

/// Where a node listens unless told otherwise.
const URL_DEFAULT: &str = "http://127.0.0.1:8080";
/// Where a node keeps its data unless told otherwise.
const DATA_DEFAULT: &str = "homeroom-data";

/// Which node, and who is calling. Empty texts count as absent.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Node")]
pub struct NodeArgs {
    /// Address of the node [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", env = "HOMEROOM_URL", hide_env_values = true)]
    pub url: Option<String>,
    /// Token of a role that may do this (better in the environment than in a flag)
    #[arg(long, value_name = "TOKEN", env = "HOMEROOM_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Without a token: the data directory whose file admin-token is read [default: ./homeroom-data]
    #[arg(long, value_name = "DIR", env = "HOMEROOM_DATA", hide_env_values = true)]
    pub data: Option<PathBuf>,
}

impl NodeArgs {
    /// The client that these flags mean.
    ///
    /// # Errors
    /// When the address or the token cannot be used, or there is no token.
    pub fn client(&self) -> Result<Client, ClientError> {
        Client::new(self.url(), &self.token()?)
    }

    fn url(&self) -> &str {
        self.url.as_deref().filter(|url| !url.is_empty()).unwrap_or(URL_DEFAULT)
    }

    fn token(&self) -> Result<String, ClientError> {
        if let Some(token) = self.token.as_deref().map(str::trim).filter(|token| !token.is_empty()) {
            return Ok(token.to_owned());
        }
        let given = self.data.as_deref().filter(|data| !data.as_os_str().is_empty());
        let file = given.unwrap_or(Path::new(DATA_DEFAULT)).join(ADMIN_TOKEN_FILE);
        let absent = |why: String| ClientError::NoToken { why };
        match std::fs::read_to_string(&file) {
            Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Ok(_) => Err(absent(format!("{} is empty", file.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(absent(format!("there is no {}", file.display())))
            }
            Err(error) => Err(absent(format!("{}: {error}", file.display()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(url: &str, token: &str, data: &Path) -> NodeArgs {
        NodeArgs {
            url: Some(url.into()),
            token: Some(token.into()),
            data: Some(data.into()),
        }
    }

    #[test]
    fn a_token_counts_more_than_the_file_and_empty_texts_are_absent() {
        let directory = tempfile::tempdir().unwrap();
        let absent = args("", "", directory.path())
            .client()
            .err()
            .map(|error| error.to_string());
        assert!(absent.is_some_and(|said| said.contains("--token") && said.contains("admin-token")));
        std::fs::write(directory.path().join(ADMIN_TOKEN_FILE), "from-file\n").unwrap();
        let from_file = args("", "", directory.path()).client().unwrap();
        assert_eq!((from_file.url(), from_file.token()), (URL_DEFAULT, "from-file"));
        let given = args("http://127.0.0.1:1/", "given", directory.path()).client().unwrap();
        assert_eq!((given.url(), given.token()), ("http://127.0.0.1:1", "given"));
    }
}
