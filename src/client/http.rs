//! Calls over HTTP: the bearer token, JSON both ways, problems, and retries that cannot count anything twice.

use super::error::{ClientError, Problem, chain};
use super::retry::{Backoff, TRIES_MAX};
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A call that takes longer counts as lost; with its key it is safe to send again.
const CALL_DEADLINE: Duration = Duration::from_secs(30);
/// A large import is written between awards and takes its time.
const IMPORT_DEADLINE: Duration = Duration::from_secs(300);
/// Making a backup, checking it or fetching it takes as long as the data is large.
const PATIENT_DEADLINE: Duration = Duration::from_secs(4 * 60 * 60);
/// Pages of one list, and items of a page: more than any node holds.
const PAGES_MAX: usize = 100_000;
const PAGE_MAX: usize = 1_000;
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// A caller of one node with one token. A clone shares the connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Arc<str>,
    token: Arc<str>,
    bearer: HeaderValue,
    tries_max: u32,
}

/// Who a token makes the caller (`GET /me`).
#[derive(Debug, Clone, Deserialize)]
pub struct Me {
    /// `admin`, `service`, `mentor`, `student` or `projector`.
    pub role: String,
    /// Whose token it is.
    #[serde(default)]
    pub user_id: Option<u64>,
}

/// A page of a board.
#[derive(Debug, Clone, Deserialize)]
pub struct Board {
    /// How many rows the whole board has.
    pub total: u64,
    /// The rows of this page.
    pub entries: Vec<BoardRow>,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// A row of a board, in an answer or in a message.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BoardRow {
    /// From 1; equal points share a rank.
    pub rank: u64,
    /// The person, on boards of people.
    #[serde(default)]
    pub user_id: Option<u64>,
    /// The team, on the board of teams.
    #[serde(default)]
    pub team_id: Option<u64>,
    /// In place of an id, for projectors.
    #[serde(default)]
    pub row: Option<Value>,
    /// Name or alias.
    #[serde(default)]
    pub name: Option<String>,
    /// Points in the board's period.
    pub points: u64,
    /// When they were reached.
    #[serde(default)]
    pub reached_at: Option<String>,
}

/// What an award or a progress came to: the fields that a replay counts. An answer to progress has none of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct EarnAnswer {
    /// Whether points were given.
    pub awarded: bool,
    /// How many.
    pub points: u64,
    /// Why none were.
    pub reason: Option<String>,
}

/// One result of a batch: the answer, or the problem.
#[derive(Debug, Clone, Deserialize)]
pub struct ItemAnswer {
    /// The status that the item would have had alone.
    pub status: u16,
    /// The answer.
    #[serde(default)]
    pub data: Option<EarnAnswer>,
    /// The problem.
    #[serde(default)]
    pub error: Option<Problem>,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Results {
    results: Vec<ItemAnswer>,
}

impl Client {
    /// A client of the node at `url` (`http://host:port`), calling with `token`.
    ///
    /// # Errors
    /// When the address or the token cannot be one.
    pub fn new(url: &str, token: &str) -> Result<Self, ClientError> {
        let bad_url = |reason: String| ClientError::BadUrl {
            url: url.to_owned(),
            reason,
        };
        let parsed = Url::parse(url).map_err(|cause| bad_url(cause.to_string()))?;
        match parsed.scheme() {
            "http" => {}
            "https" => {
                return Err(bad_url(
                    "this client speaks plain http only; call the node itself, behind the proxy that ends TLS".into(),
                ));
            }
            other => return Err(bad_url(format!("it starts with {other}:, not with http:"))),
        }
        if parsed.host_str().is_none() {
            return Err(bad_url("it names no host".into()));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_DEADLINE)
            .no_proxy()
            .build()
            .map_err(|cause| bad_url(chain(&cause)))?;
        Ok(Self {
            http,
            base: url.trim_end_matches('/').into(),
            token: token.into(),
            bearer: bearer(token)?,
            tries_max: TRIES_MAX,
        })
    }

    /// The same with another number of tries for one call: a person at a prompt does not wait as long as a replay.
    #[must_use]
    pub fn with_tries(mut self, tries_max: u32) -> Self {
        self.tries_max = tries_max;
        self
    }

    /// The same node and connections with another token.
    ///
    /// # Errors
    /// When the token cannot be one.
    pub fn with_token(&self, token: &str) -> Result<Self, ClientError> {
        Ok(Self {
            token: token.into(),
            bearer: bearer(token)?,
            ..self.clone()
        })
    }

    /// The node's address, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.base
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn bearer(&self) -> &HeaderValue {
        &self.bearer
    }

    /// Who the token makes the caller.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn me(&self) -> Result<Me, ClientError> {
        self.get("/me").await
    }

    /// Reads something.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let bytes = self.repeated(Method::GET, path, None, None, CALL_DEADLINE).await?;
        parse(path, &bytes)
    }

    /// All items of a list, page by page.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn all(&self, path: &str) -> Result<Vec<Value>, ClientError> {
        self.items(path, usize::MAX).await
    }

    /// The first items of a list, page by page, at most so many.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn items(&self, path: &str, items_max: usize) -> Result<Vec<Value>, ClientError> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor = String::new();
        let limit = items_max.clamp(1, PAGE_MAX);
        for _ in 0..PAGES_MAX {
            let page: Page = self.get(&format!("{path}{separator}limit={limit}{cursor}")).await?;
            items.extend(page.items);
            match page.next_cursor {
                Some(next) if items.len() < items_max => cursor = format!("&cursor={next}"),
                _ => {
                    items.truncate(items_max);
                    return Ok(items);
                }
            }
        }
        Err(ClientError::Unintelligible {
            what: path.to_owned(),
            cause: "the list has no end".into(),
        })
    }

    /// Any call with JSON both ways; an empty answer is null. With `keyed`, a write is sent under a key of its own, so that
    /// another try cannot count twice.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        keyed: bool,
    ) -> Result<Value, ClientError> {
        let body = body.map(|body| Bytes::from(body.to_string()));
        let key = keyed.then(random_key);
        let bytes = self.repeated(method, path, body, key.as_deref(), CALL_DEADLINE).await?;
        if bytes.is_empty() {
            Ok(Value::Null)
        } else {
            parse(path, &bytes)
        }
    }

    /// Writes something once, without a key: tokens, for one. Never sent twice.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn post_once<T: DeserializeOwned>(&self, path: &str, body: String) -> Result<T, ClientError> {
        let bytes = self
            .call(Method::POST, path, Some(Bytes::from(body)), None, CALL_DEADLINE)
            .await?;
        parse(path, &bytes)
    }

    /// Writes something under an idempotency key, trying again while that is worth it.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: String, key: &str) -> Result<T, ClientError> {
        let body = Some(Bytes::from(body));
        let bytes = self
            .repeated(Method::POST, path, body, Some(key), CALL_DEADLINE)
            .await?;
        parse(path, &bytes)
    }

    /// Sends a roster. It upserts all or nothing, so it is safe to repeat with or without a key. Gives the raw answer.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn import(&self, body: Bytes, key: Option<&str>) -> Result<Bytes, ClientError> {
        self.repeated(Method::POST, "/import", Some(body), key, IMPORT_DEADLINE)
            .await
    }

    /// Asks for something that may take long, once, and without a body.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn post_patiently<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let bytes = self.call(Method::POST, path, None, None, PATIENT_DEADLINE).await?;
        parse(path, &bytes)
    }

    /// Fetches something large, piece by piece. The inner error is that of `take`, which ends it.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn fetch(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<std::io::Result<()>, ClientError> {
        let mut answer = self.send(Method::GET, path, None, None, PATIENT_DEADLINE).await?;
        while let Some(piece) = answer.chunk().await.map_err(|cause| self.lost(cause))? {
            if let Err(error) = take(&piece) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// Sends one batch of learning events, once: its items bring their keys, so the caller may send it again.
    ///
    /// # Errors
    /// As [`ClientError`] says; problems of single items are in the answers.
    pub async fn events(&self, body: Bytes) -> Result<Vec<ItemAnswer>, ClientError> {
        let bytes = self
            .call(Method::POST, "/events", Some(body), None, CALL_DEADLINE)
            .await?;
        parse::<Results>("/events", &bytes).map(|answer| answer.results)
    }

    async fn repeated(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        key: Option<&str>,
        deadline: Duration,
    ) -> Result<Bytes, ClientError> {
        let mut backoff = Backoff::new(self.tries_max);
        loop {
            let error = match self.call(method.clone(), path, body.clone(), key, deadline).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) if error.is_worth_retrying() => error,
                Err(error) => return Err(error),
            };
            match backoff.next_wait(error.retry_after()) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => {
                    return Err(ClientError::GaveUp {
                        tries: backoff.tries(),
                        last: Box::new(error),
                    });
                }
            }
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        key: Option<&str>,
        deadline: Duration,
    ) -> Result<Bytes, ClientError> {
        let answer = self.send(method, path, body, key, deadline).await?;
        answer.bytes().await.map_err(|cause| self.lost(cause))
    }

    /// Sends a request, and gives the answer if the node did what it asks.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        key: Option<&str>,
        deadline: Duration,
    ) -> Result<reqwest::Response, ClientError> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .timeout(deadline)
            .header(AUTHORIZATION, self.bearer.clone());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = request.send().await.map_err(|cause| self.lost(cause))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let retry_after = retry_after(answer.headers());
        let bytes = answer.bytes().await.map_err(|cause| self.lost(cause))?;
        Err(refusal(path, status, retry_after, &bytes))
    }

    fn lost(&self, cause: reqwest::Error) -> ClientError {
        ClientError::Connection {
            url: self.base.to_string(),
            cause: chain(&cause.without_url()),
        }
    }
}

/// An idempotency key that nobody else has. Where the system has no randomness, the time has to do.
#[must_use]
pub fn random_key() -> String {
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        bytes = now.as_nanos().to_be_bytes();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bearer(token: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ClientError::BadToken)?;
    value.set_sensitive(true);
    Ok(value)
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

fn refusal(path: &str, status: StatusCode, retry_after: Option<u64>, body: &[u8]) -> ClientError {
    let mut problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    if problem.code.is_empty() && !matches!(status.as_u16(), 429 | 502 | 503 | 504) {
        return ClientError::Unintelligible {
            what: path.to_owned(),
            cause: format!("status {status} without a problem"),
        };
    }
    problem.status = status.as_u16();
    problem.retry_after = retry_after.or(problem.retry_after);
    ClientError::Refused(Box::new(problem))
}

fn parse<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(body).map_err(|cause| ClientError::Unintelligible {
        what: path.to_owned(),
        cause: cause.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_cannot_be_called_are_refused_with_the_reason() {
        for (url, reason) in [
            ("https://school.example", "plain http"),
            ("ws://school.example", "starts with ws:"),
            ("school.example", "not the address"),
        ] {
            let error = Client::new(url, "token").err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| error.contains(reason)), "{url}");
        }
        assert!(Client::new("http://127.0.0.1:8080/", "token").is_ok_and(|node| node.url() == "http://127.0.0.1:8080"));
    }

    #[test]
    fn a_problem_keeps_its_code_and_the_wait_asked_for() {
        let body =
            br#"{"type":"about:blank","title":"Busy","status":503,"code":"overloaded","detail":"later","new":1}"#;
        let error = refusal("/events", StatusCode::SERVICE_UNAVAILABLE, Some(3), body);
        assert!(error.is_worth_retrying());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
        assert_eq!(error.problem().map(|problem| problem.code.as_str()), Some("overloaded"));
    }
}
