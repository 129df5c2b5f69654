//! One direction of a connection.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{ReadHalf, WriteHalf},
    sync::watch,
    time::sleep,
};

use super::{Mode, Swap};

/// How many bytes are taken at a time.
const CHUNK: usize = 64 * 1024;

/// Carries everything until the end, which is handed on as well.
pub(super) async fn all(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut modes: watch::Receiver<Mode>,
    swaps: &[Swap],
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        through(&mut modes).await;
        let read = from.read(&mut buffer).await?;
        // What came while the link was alive is lost in its death all the same, as far as the other side can see.
        through(&mut modes).await;
        if read == 0 {
            return to.shutdown().await;
        }
        let bytes = &mut buffer[..read];
        for swap in swaps {
            exchange(bytes, swap);
        }
        let mut rest = &*bytes;
        while !rest.is_empty() {
            let mode = *modes.borrow_and_update();
            let now = match mode {
                Mode::Slow { bytes, .. } => rest.len().min(bytes.max(1)),
                _ => rest.len(),
            };
            if let Mode::Slow { pause, .. } = mode {
                sleep(pause).await;
            }
            to.write_all(&rest[..now]).await?;
            rest = &rest[now..];
            through(&mut modes).await;
        }
    }
}

/// Waits as long as nothing comes through.
async fn through(modes: &mut watch::Receiver<Mode>) {
    // Without a sender the link is about to be dropped.
    let _ = modes.wait_for(|mode| *mode != Mode::BlackHole).await;
}

/// Exchanges all occurrences. One that is divided between two reads is not found: servers write short answers at once.
fn exchange(bytes: &mut [u8], swap: &Swap) {
    let length = swap.from.len();
    if length == 0 || length != swap.to.len() {
        return;
    }
    let mut start = 0;
    while let Some(found) = bytes[start..].windows(length).position(|here| here == swap.from) {
        bytes[start + found..][..length].copy_from_slice(&swap.to);
        start += found + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_exchanged_wherever_it_stands() {
        let mut bytes = b"host 1.1:11, host 1.1:11 and 1.1:12".to_vec();
        let swap = |from: &str, to: &str| Swap { from: from.into(), to: to.into() };
        exchange(&mut bytes, &swap("1.1:11", "1.1:99"));
        exchange(&mut bytes, &swap("1.1:12", "too long"));
        exchange(&mut bytes, &swap("", ""));
        assert_eq!(bytes, b"host 1.1:99, host 1.1:99 and 1.1:12");
    }
}
