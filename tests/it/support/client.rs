//! An HTTP client of one node as one caller, and its answers with short assertions.

use super::document::check_answer;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// One caller of one node.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    /// A browser's session: its role, and the cookie.
    session: Option<(String, String)>,
}

impl Client {
    /// A caller without a token. `base` is `http://address`.
    pub fn new(base: impl Into<String>) -> Self {
        Self {
            http: reqwest::Client::builder()
                .timeout(super::DEADLINE)
                .build()
                .expect("a client without TLS"),
            base: base.into(),
            token: None,
            session: None,
        }
    }

    /// The same node, another caller.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }

    /// The same node from a browser that signs in; with its session and the answer.
    pub async fn sign_in(&self, wish: Value) -> (Self, Value) {
        let answer = self.anonymous().post("/sessions", wish).await;
        let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
        let cookie = cookie.split(';').next().expect("its value").to_owned();
        let session = answer.ok();
        let role = session["role"].as_str().expect("a role");
        (self.in_session(role, &cookie), session)
    }

    /// The same node from a browser that has this cookie and names this role.
    #[must_use]
    pub fn in_session(&self, role: &str, cookie: &str) -> Self {
        Self {
            session: Some((role.into(), cookie.into())),
            ..self.anonymous()
        }
    }

    /// The cookie of the session.
    pub fn cookie(&self) -> &str {
        &self.session.as_ref().expect("a session").1
    }

    /// The same node without a token.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self {
            token: None,
            session: None,
            ..self.clone()
        }
    }

    /// The token, if any.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// `http://address`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request to be finished by the test; give it to [`Client::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match (&self.token, &self.session) {
            (Some(token), _) => request.bearer_auth(token),
            (None, Some((role, cookie))) => request.header("Homeroom-Session", role).header("Cookie", cookie),
            (None, None) => request,
        }
    }

    /// Sends a request; the node must answer something.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        match self.try_send(request).await {
            Ok(answer) => answer,
            Err(error) => panic!("no answer: {error:?}"),
        }
    }

    /// Sends a request to a node that may die meanwhile: then the outcome is unknown. Every answer must be as the API
    /// document describes it.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let (http, request) = request.build_split();
        let request = request?;
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = http.execute(request).await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        check_answer(method.as_str(), &path, status, media_type, &body, &text);
        Ok(Answer {
            status,
            headers,
            body,
            text,
        })
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// POST with a JSON body and an idempotency key.
    pub async fn post_keyed(&self, path: &str, body: Value, key: &str) -> Answer {
        let request = self.request(Method::POST, path).header("Idempotency-Key", key);
        self.send(request.json(&body)).await
    }

    /// POST with a JSON body and perhaps a key, to a node that may die meanwhile.
    pub async fn try_post(&self, path: &str, body: &Value, key: Option<&str>) -> Result<Answer, reqwest::Error> {
        let mut request = self.request(Method::POST, path).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        self.try_send(request).await
    }

    /// PUT with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }
}

/// What a node answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as JSON; null if it is none.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// Requires a status and gives the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Requires any 2xx and gives the body.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text);
        self.body
    }

    /// Requires a well-formed problem with this status and code, and gives it.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        let problem = self.any_problem(status);
        assert_eq!(problem["code"], code, "{problem}");
        problem
    }

    /// Requires a well-formed problem with this status and any code, and gives it.
    #[track_caller]
    pub fn any_problem(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{}",
            self.text
        );
        check_problem(&self.body);
        assert_eq!(self.body["status"], status);
        self.body
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether an earlier answer was given again.
    pub fn is_replayed(&self) -> bool {
        self.header("idempotency-replayed") == Some("true")
    }

    /// The problem's code, if there is one.
    pub fn code(&self) -> Option<&str> {
        self.body["code"].as_str()
    }
}

/// Requires the members that every problem has (RFC 9457 and the contract), on HTTP and sockets alike.
#[track_caller]
pub fn check_problem(problem: &Value) {
    for member in ["type", "title", "detail", "code"] {
        assert!(problem[member].is_string(), "`{member}` of {problem}");
    }
    assert!(problem["status"].is_u64(), "{problem}");
    let code = problem["code"].as_str().unwrap();
    assert!(
        code.starts_with(|c: char| c.is_ascii_lowercase())
            && code
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
        "{code} is not snake_case"
    );
    if let Some(errors) = problem.get("errors") {
        for error in errors.as_array().expect("`errors` is a list") {
            assert!(error["field"].is_string() && error["message"].is_string(), "{problem}");
        }
    }
    let text = problem.to_string().to_lowercase();
    for internal in [
        "sqlite",
        "select ",
        "insert into",
        "panicked",
        ".rs:",
        "/src/",
        "backtrace",
    ] {
        assert!(!text.contains(internal), "`{internal}` reached a client: {problem}");
    }
}
