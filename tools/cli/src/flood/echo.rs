//! What the same bytes cost without group communication: a TCP echo on the loopback interface.

use std::time::Instant;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufWriter},
    net::{TcpListener, TcpStream},
};

use super::{
    in_time,
    report::{RoundTrip, Throughput},
};
use crate::{cli, error::Failure};

/// Bytes that are read at once.
const READ: usize = 256 << 10;

/// Throughput and round trips of messages of the size asked for.
pub(super) async fn measure(options: &cli::Flood) -> Result<(Throughput, RoundTrip), Failure> {
    let failed = |error: std::io::Error| Failure::of("echo", error);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let server = tokio::spawn(serve(listener));
    let stream = TcpStream::connect(address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let measured = in_time("echo", async {
        let (stream, round_trip) = round_trips(stream, options).await.map_err(failed)?;
        let throughput = throughput(stream, options).await.map_err(failed)?;
        Ok((throughput, round_trip))
    })
    .await;
    server.abort();
    measured
}

async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; READ];
    loop {
        let length = stream.read(&mut buffer).await?;
        match buffer.get(..length) {
            Some(bytes @ [_, ..]) => stream.write_all(bytes).await?,
            Some([]) | None => return Ok(()),
        }
    }
}

async fn round_trips(
    mut stream: TcpStream,
    options: &cli::Flood,
) -> std::io::Result<(TcpStream, RoundTrip)> {
    let message = vec![7; options.size.max(1)];
    let mut back = vec![0; message.len()];
    let mut times = Vec::new();
    for _ in 0..options.round_trips() {
        let start = Instant::now();
        stream.write_all(&message).await?;
        stream.read_exact(&mut back).await?;
        times.push(start.elapsed());
    }
    Ok((stream, RoundTrip::of(times)))
}

/// Messages written one by one into a buffer, as a client that coalesces its writes does.
async fn throughput(stream: TcpStream, options: &cli::Flood) -> std::io::Result<Throughput> {
    let message = vec![7; options.size.max(1)];
    let bytes = options
        .count
        .saturating_mul(u64::try_from(message.len()).unwrap_or(u64::MAX));
    let (mut reader, writer) = stream.into_split();
    let count = options.count;
    let start = Instant::now();
    let sender = tokio::spawn(async move {
        let mut writer = BufWriter::with_capacity(64 << 10, writer);
        for _ in 0..count {
            writer.write_all(&message).await?;
        }
        writer.flush().await?;
        std::io::Result::Ok(writer)
    });
    let mut buffer = vec![0; READ];
    let mut left = bytes;
    while left > 0 {
        match reader.read(&mut buffer).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            length => left = left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX)),
        }
    }
    let time = start.elapsed();
    sender.await.map_err(std::io::Error::other)??;
    Ok(Throughput {
        messages: count,
        bytes,
        time,
    })
}
