//! Where requests come in: the listeners, and the certificates of those who speak TLS.

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::Router;
use hyper_util::service::TowerToHyperService;
use tokio::time::interval;
use tokio_rustls::TlsAcceptor;

use crate::connections::{self, Connections, Room};

use super::{Listening, Shared, about, router};

/// Most bytes and lines of a request's head.
const HEAD_BYTES_MAX: usize = 32 << 10;
const HEAD_LINES_MAX: usize = 64;

/// Takes connections until `stop` is done, and answers what has begun.
pub(super) async fn accept(
    shared: &Arc<Shared>,
    listening: Listening,
    metrics: bool,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let tls = match &listening.certificates {
        Some(certificates) => {
            let config = Arc::clone(certificates).config().map_err(io::Error::other)?;
            tokio::spawn(renew(Arc::clone(shared), Arc::clone(certificates)));
            Some(TlsAcceptor::from(Arc::new(config)))
        }
        None => None,
    };
    let mut connections = Connections::counted(limits(shared), Arc::clone(&shared.telling.connections));
    connections.listen_over(listening.listener, tls, TowerToHyperService::new(router(shared, metrics)))?;
    if let Some(listener) = listening.metrics {
        let router = Router::new().route("/metrics", axum::routing::get(about::metrics));
        connections.listen(listener, TowerToHyperService::new(router.with_state(Arc::clone(shared))))?;
    }
    shared.telling.event("the keeper answers", None, shared.now());
    stop.await;
    connections.end(shared.limits.stop).await;
    shared.telling.event("the keeper stops", None, shared.now());
    Ok(())
}

fn limits(shared: &Shared) -> connections::Limits {
    let limits = &shared.limits;
    connections::Limits {
        room: Room {
            all: limits.connections,
            of_address: limits.connections_of_address,
            of_network: limits.connections_of_network,
            proxy: shared.proxy.map(|proxy| proxy.to_canonical()),
        },
        head: limits.head,
        head_bytes: HEAD_BYTES_MAX,
        head_lines: HEAD_LINES_MAX,
        stalled: limits.stalled,
        life: Some(limits.connection),
    }
}

async fn renew(shared: Arc<Shared>, certificates: Arc<super::Certificates>) {
    let mut ticks = interval(shared.limits.certificates_pause);
    loop {
        ticks.tick().await;
        let again = Arc::clone(&certificates);
        let refreshed = tokio::task::spawn_blocking(move || again.refresh()).await;
        match refreshed {
            Ok(Ok(true)) => shared.telling.event("the certificates were read again", None, shared.now()),
            Ok(Ok(false)) | Err(_) => {}
            Ok(Err(error)) => {
                let cause = super::answer::first_word(&error);
                shared.telling.event("new certificates cannot be used", Some(&cause), shared.now());
            }
        }
        shared.telling.certificate(certificates.ends(), shared.now());
    }
}
