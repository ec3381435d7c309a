//! A node inside this process: `homeroom::run` on port 0 with its own directory.

use super::{ADMIN_TOKEN, Client, eventually, store, within};
use homeroom::{Config, RunError};
use serde_json::json;
use std::path::Path;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

type Configure = Box<dyn Fn(&mut Config) + Send + Sync>;

/// A running node. Dropping it ends it with its runtime; its directory goes too.
pub struct Node {
    directory: TempDir,
    configure: Configure,
    running: Option<Running>,
    client: Client,
}

struct Running {
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<Result<(), RunError>>,
}

impl Node {
    /// A fresh node with the defaults and [`ADMIN_TOKEN`], ready.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A fresh node with other settings, ready. They hold for every restart too.
    pub async fn start_with(configure: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary directory"), configure).await
    }

    /// A fresh node whose data lies in its directory's file in every run, for tests that look into it.
    pub async fn start_on_a_file() -> Self {
        Self::start_on_a_file_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn start_on_a_file_with(configure: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        Self::start_in(store::directory_of_files(), configure).await
    }

    async fn start_in(directory: TempDir, configure: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        let mut node = Self {
            directory,
            configure: Box::new(configure),
            running: None,
            client: Client::new(""),
        };
        node.begin().await;
        node
    }

    async fn begin(&mut self) {
        let mut config = Config::new(self.directory.path());
        config.admin_token = Some(ADMIN_TOKEN.into());
        config.database_url = store::url_of(self.directory.path());
        (self.configure)(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        self.client = Client::new(format!("http://{address}"));
        let (shutdown, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(homeroom::run(config, listener, async move {
            // An error means that the test dropped the node: also a reason to stop.
            let _ = stopped.await;
        }));
        self.running = Some(Running { shutdown, task });
        self.ready().await;
    }

    /// Waits for `/readyz`; a node that ended instead fails the test with its reason.
    async fn ready(&mut self) {
        let client = self.client.clone();
        let running = self.running.as_mut().expect("just started");
        let ready = eventually("readyz", || async {
            let answer = client.try_send(client.request(reqwest::Method::GET, "/readyz")).await;
            answer.ok().filter(|answer| answer.status == 200)
        });
        tokio::select! {
            _ = ready => {}
            ended = &mut running.task => panic!("the node ended before it was ready: {ended:?}"),
        }
    }

    /// Stops in order and requires that it went well.
    pub async fn stop(&mut self) {
        let running = self.running.take().expect("a running node");
        let _ = running.shutdown.send(());
        within("stop", running.task)
            .await
            .expect("the node does not panic")
            .expect("the node stops in order");
    }

    /// Stops in order and starts again on the same directory (and another port).
    pub async fn restart(&mut self) {
        self.stop().await;
        self.begin().await;
    }

    /// Starts a stopped node again on the same directory.
    pub async fn start_again(&mut self) {
        assert!(self.running.is_none(), "the node is still running");
        self.begin().await;
    }

    /// Where the node keeps its files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A caller without a token.
    pub fn anonymous(&self) -> Client {
        self.client.clone()
    }

    /// A caller with the admin token.
    pub fn admin(&self) -> Client {
        self.client.with_token(ADMIN_TOKEN)
    }

    /// A caller with any token.
    pub fn with_token(&self, token: &str) -> Client {
        self.client.with_token(token)
    }

    /// A new token of a role; students and mentors need a person.
    pub async fn token(&self, role: &str, user_id: Option<u64>) -> String {
        new_token(&self.admin(), role, user_id).await
    }

    /// A caller with a new token of a role.
    pub async fn caller(&self, role: &str, user_id: Option<u64>) -> Client {
        self.with_token(&self.token(role, user_id).await)
    }

    /// A caller as this student.
    pub async fn student(&self, user_id: u64) -> Client {
        self.caller("student", Some(user_id)).await
    }

    /// A caller as this mentor.
    pub async fn mentor(&self, user_id: u64) -> Client {
        self.caller("mentor", Some(user_id)).await
    }
}

/// Makes a token with the rights of `admin` and gives its secret.
pub async fn new_token(admin: &Client, role: &str, user_id: Option<u64>) -> String {
    let mut wish = json!({ "role": role });
    if let Some(user_id) = user_id {
        wish["user_id"] = json!(user_id);
    }
    let made = admin.post("/tokens", wish).await.expect(201);
    made["token"].as_str().expect("a token is text").into()
}
