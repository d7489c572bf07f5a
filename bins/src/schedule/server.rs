//! The status page, /healthz and /metrics. It only reads: every request but GET is refused.

use super::board::Board;
use super::view;
use crate::job::Jobs;
use crate::{metrics, run_folder};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at once. Whoever wants more waits.
const CONNECTIONS: usize = 64;
/// A client that has not sent its request by then is dropped.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// A bound socket.
pub(crate) struct Listener(TcpListener);

impl Listener {
    /// Binds.
    ///
    /// # Errors
    /// Says what to do.
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, String> {
        let bound = TcpListener::bind(address).await;
        bound
            .map(Self)
            .map_err(|error| format!("cannot listen on {address}: {error}. Choose another with --listen"))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.0.local_addr().ok()
    }

    /// Serves for as long as the process lives.
    pub(super) fn serve(self, jobs: Arc<Jobs>, board: Arc<Board>) {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        tokio::spawn(async move {
            loop {
                let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
                let stream = match self.0.accept().await {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "a connection to the status page failed");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                };
                let (jobs, board) = (Arc::clone(&jobs), Arc::clone(&board));
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let (jobs, board) = (Arc::clone(&jobs), Arc::clone(&board));
                        async move { Ok::<_, Infallible>(answer(&request, &jobs, &board)) }
                    });
                    let mut builder = http1::Builder::new();
                    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
                    // A client that goes away is nobody's trouble.
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                    drop(permit);
                });
            }
        });
    }
}

type Answer = Response<Full<Bytes>>;

fn answer(request: &Request<Incoming>, jobs: &Jobs, board: &Board) -> Answer {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(
            StatusCode::METHOD_NOT_ALLOWED,
            "this page only shows; jobs are started with `s3twin run JOB`\n",
        );
    }
    match request.uri().path() {
        "/" => match view::page(jobs, board, Timestamp::now()) {
            Ok(page) => html(page.into()),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
        },
        "/healthz" if board.is_healthy(Timestamp::now()) => text(StatusCode::OK, "ok\n"),
        "/healthz" => text(StatusCode::SERVICE_UNAVAILABLE, "the schedule does not turn\n"),
        "/metrics" => {
            let figures = metrics::render(&jobs.loaded.config, &jobs.state, |job| Some(board.of(job)));
            typed(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", figures.into())
        }
        path => report(path, jobs).unwrap_or_else(|| text(StatusCode::NOT_FOUND, "there is no such page\n")),
    }
}

/// `/runs/ID/report.html`, of a run that is there by exactly that name.
fn report(path: &str, jobs: &Jobs) -> Option<Answer> {
    let id = path.strip_prefix("/runs/")?.strip_suffix("/report.html")?;
    let folders = run_folder::all(&jobs.state).ok()?;
    let folder = folders.into_iter().find(|folder| run_folder::name(folder) == id)?;
    let page = std::fs::read(folder.join("report.html")).ok()?;
    // The page brings its own policy.
    Some(typed(StatusCode::OK, "text/html; charset=utf-8", page.into()))
}

fn html(page: Bytes) -> Answer {
    let mut answer = typed(StatusCode::OK, "text/html; charset=utf-8", page);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    answer.headers_mut().insert("content-security-policy", hyper::header::HeaderValue::from_static(policy));
    answer
}

fn text(status: StatusCode, words: &str) -> Answer {
    typed(status, "text/plain; charset=utf-8", words.to_owned().into())
}

fn typed(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert("content-type", hyper::header::HeaderValue::from_static(kind));
    headers.insert("cache-control", hyper::header::HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", hyper::header::HeaderValue::from_static("nosniff"));
    answer
}
