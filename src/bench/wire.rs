//! Connections of the generator, as cheap as a library makes them: HTTP/1.1 kept alive, and live sockets.

use super::BenchError;
use super::target::Target;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HOST, HeaderValue, IF_NONE_MATCH};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// A live socket.
pub(super) type Socket = WebSocketStream<TcpStream>;

/// A socket that mostly waits needs no more to read with.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// What the system may keep for a reader that is to stall soon.
const NARROW_BUFFER_BYTES: u32 = 4 * 1024;
/// Nothing takes longer, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where and as whom connections are opened: a copy of what a target says, for many tasks.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) address: SocketAddr,
    bearer: HeaderValue,
}

impl Place {
    pub(super) fn of(target: &Target) -> Result<Self, BenchError> {
        let bearer = HeaderValue::from_str(&format!("Bearer {}", target.token));
        Ok(Self {
            address: target.address,
            bearer: bearer.map_err(|_| BenchError::NoToken)?,
        })
    }

    async fn connect(&self) -> Result<TcpStream, BenchError> {
        self.connected(TcpStream::connect(self.address).await)
    }

    fn connected(&self, stream: io::Result<TcpStream>) -> Result<TcpStream, BenchError> {
        let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
        stream.map_err(|cause| BenchError::Io {
            what: format!("cannot connect to {}", self.address),
            cause,
        })
    }

    /// Opens a socket with the subprotocol of the contract.
    pub(super) async fn socket(&self) -> Result<Socket, BenchError> {
        let stream = self.connect().await?;
        self.upgrade(stream).await
    }

    /// Opens a socket for which the system keeps little of what is not read.
    pub(super) async fn narrow_socket(&self) -> Result<Socket, BenchError> {
        let narrow = || {
            let socket = if self.address.is_ipv4() {
                TcpSocket::new_v4()?
            } else {
                TcpSocket::new_v6()?
            };
            socket.set_recv_buffer_size(NARROW_BUFFER_BYTES)?;
            Ok(socket)
        };
        let stream = match narrow() {
            Ok(socket) => socket.connect(self.address).await,
            Err(error) => Err(error),
        };
        self.upgrade(self.connected(stream)?).await
    }

    /// Makes a live socket of a connection.
    async fn upgrade(&self, stream: TcpStream) -> Result<Socket, BenchError> {
        let mut request = format!("ws://{}/ws", self.address).into_client_request()?;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.bearer.clone());
        headers.insert("sec-websocket-protocol", HeaderValue::from_static("homeroom.v1"));
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0);
        let upgrade = client_async_with_config(request, stream, Some(config));
        match tokio::time::timeout(PATIENCE, upgrade).await {
            Ok(upgraded) => Ok(upgraded?.0),
            Err(_) => Err(BenchError::Silent("the upgrade of a socket")),
        }
    }

    /// Opens a connection for requests.
    pub(super) async fn http(&self) -> Result<Http, BenchError> {
        let stream = self.connect().await?;
        let (requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the sender; what goes wrong is seen there.
        tokio::task::spawn_local(async move { drop(connection.await) });
        let host = HeaderValue::from_str(&self.address.to_string());
        Ok(Http {
            requests,
            host: host.map_err(|_| BenchError::Silent("the address"))?,
            bearer: self.bearer.clone(),
        })
    }
}

/// A keep-alive connection with one request under way.
pub(super) struct Http {
    requests: SendRequest<Full<Bytes>>,
    host: HeaderValue,
    bearer: HeaderValue,
}

/// What a request was answered.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) etag: Option<HeaderValue>,
    pub(super) body: Bytes,
}

impl Http {
    /// Sends JSON, with an idempotency key if there is one.
    pub(super) async fn post(
        &mut self,
        path: &'static str,
        body: String,
        key: Option<String>,
    ) -> Result<Answered, BenchError> {
        let mut request = self.request(Method::POST, path, Full::from(body));
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = key.and_then(|key| HeaderValue::try_from(key).ok()) {
            headers.insert("idempotency-key", key);
        }
        self.exchange(request).await
    }

    /// Reads, unless it is still what `etag` stands for.
    pub(super) async fn get(&mut self, path: &str, etag: Option<&HeaderValue>) -> Result<Answered, BenchError> {
        let mut request = self.request(Method::GET, path, Full::default());
        if let Some(etag) = etag {
            request.headers_mut().insert(IF_NONE_MATCH, etag.clone());
        }
        self.exchange(request).await
    }

    fn request(&self, method: Method, path: &str, body: Full<Bytes>) -> Request<Full<Bytes>> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(AUTHORIZATION, self.bearer.clone());
        request
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answered, BenchError> {
        self.requests.ready().await?;
        let answer = tokio::time::timeout(PATIENCE, self.requests.send_request(request));
        let answer = answer.await.map_err(|_| BenchError::Silent("a request"))??;
        let (status, etag) = (answer.status().as_u16(), answer.headers().get(ETAG).cloned());
        let body = answer.into_body().collect().await?.to_bytes();
        Ok(Answered { status, etag, body })
    }
}
