//! A link to a server far away: so many bytes a second for each connection, so long for a question and its answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Outcome;

/// What each connection gives, in bytes a second.
const BYTES_PER_SECOND: f64 = (20 << 20) as f64;
/// How long a question and the beginning of its answer take together.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// Relays connections to `server`, each slowed down; answers with the address to connect to.
pub async fn relay(server: SocketAddr) -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(connect(client, server));
        }
    });
    Ok(address)
}

async fn connect(client: TcpStream, server: SocketAddr) -> std::io::Result<()> {
    tokio::time::sleep(ROUND_TRIP).await; // the handshake, which the kernel has done in no time
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = TcpStream::connect(server).await?.into_split();
    let asking = delay(from_client, to_server);
    let answering = pace(from_server, to_client);
    tokio::try_join!(asking, answering)?;
    Ok(())
}

/// Passes questions on, late by one round trip.
async fn delay(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        tokio::time::sleep(ROUND_TRIP).await;
        to.write_all(&buffer[..count]).await?;
    }
}

/// Passes answers on at the link's speed; time without any is not saved up.
async fn pace(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin) -> std::io::Result<()> {
    let mut buffer = vec![0; 128 << 10];
    let mut free_at = Instant::now();
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        free_at = free_at.max(Instant::now()) + Duration::from_secs_f64(count as f64 / BYTES_PER_SECOND);
        to.write_all(&buffer[..count]).await?;
        tokio::time::sleep_until(free_at.into()).await;
    }
}
