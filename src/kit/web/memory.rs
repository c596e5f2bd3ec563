//! Limits the memory of request bodies in the whole process.
//!
//! All bodies are read here. Memory is reserved before the first byte is read: the size in
//! `Content-Length`, or else the limit once the body exceeds [`SMALL`]. If no memory is free within
//! [`WAIT`], the body is discarded and the response is 503.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Data;
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::kit::error::{AppError, AppResult};

/// The maximum size of a small body. Small bodies have their own memory, so that large ones can't
/// block them.
const SMALL: usize = 64 * 1024;
/// The memory for all small bodies.
const ALL_SMALL: usize = 4 * 1024 * 1024;
/// The memory for all large bodies.
const ALL_LARGE: usize = 20 * 1024 * 1024;
/// The maximum per sender, which fits one body of the highest limit.
const ONE_SENDER: usize = 16 * 1024 * 1024;
/// How long a body waits for memory.
const WAIT: Duration = Duration::from_secs(2);
/// How long an uploaded file waits for its turn.
const FILE_WAIT: Duration = Duration::from_secs(10);
/// The unit of the semaphores, in bytes.
const UNIT: usize = 1024;

/// The sender that a body's memory is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BodySender {
    Store(i64),
    Merchant(i64),
    Network(IpAddr),
}

/// The maximum size of a body, and the timeout for receiving it, including the wait for memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    pub(crate) bytes: usize,
    pub(crate) timeout: Duration,
}

/// A body with its reserved memory, which is released when the body is dropped.
#[derive(Debug)]
pub(crate) struct RequestBody {
    bytes: Vec<u8>,
    _room: Room,
}

impl Deref for RequestBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A reservation that is released when it's dropped.
#[derive(Debug, Default)]
pub(crate) struct Room {
    _permits: Vec<OwnedSemaphorePermit>,
}

/// The available memory.
pub struct Memory {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    senders: Mutex<HashMap<BodySender, Arc<Semaphore>>>,
    files: Arc<Semaphore>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            small: Arc::new(Semaphore::new(ALL_SMALL / UNIT)),
            large: Arc::new(Semaphore::new(ALL_LARGE / UNIT)),
            senders: Mutex::default(),
            files: Arc::new(Semaphore::new(1)),
        }
    }
}

impl Memory {
    /// The memory of this process.
    pub(crate) fn of(req: &HttpRequest) -> Data<Self> {
        req.app_data::<Data<Self>>().cloned().unwrap_or_default()
    }

    /// Reads a body.
    ///
    /// Fails with `TooLarge` if the declared or actual size exceeds the limit. Fails with
    /// `BadRequest` if the body is incomplete or too slow, and with `Unavailable` if no memory is
    /// free.
    pub(crate) async fn read(
        &self,
        req: &HttpRequest,
        payload: Payload,
        limits: BodyLimits,
        sender: BodySender,
    ) -> AppResult<RequestBody> {
        let declared = declared_length(req);
        if declared.is_some_and(|length| length > limits.bytes) {
            return Err(AppError::TooLarge);
        }
        within(limits.timeout, self.read_reserved(payload, declared, limits.bytes, sender)).await
    }

    async fn read_reserved(
        &self,
        mut payload: Payload,
        declared: Option<usize>,
        limit: usize,
        sender: BodySender,
    ) -> AppResult<RequestBody> {
        let first = declared.unwrap_or(SMALL).min(limit);
        let Some(mut room) = self.reserve(sender, first).await else {
            discard(&mut payload, limit, 0).await?;
            return Err(AppError::Unavailable);
        };
        let mut reserved = first;
        let mut bytes = Vec::with_capacity(declared.unwrap_or_default());
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| broke_off())?;
            let length = bytes.len() + chunk.len();
            if length > limit {
                return Err(AppError::TooLarge);
            }
            if length > reserved {
                drop(room);
                let Some(more) = self.reserve(sender, limit).await else {
                    discard(&mut payload, limit, length).await?;
                    return Err(AppError::Unavailable);
                };
                (room, reserved) = (more, limit);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(RequestBody { bytes, _room: room })
    }

    /// Reserves `bytes` for a sender; `None` after the timeout.
    pub(crate) async fn reserve(&self, sender: BodySender, bytes: usize) -> Option<Room> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).ok()?;
        let reserving = async {
            if bytes <= SMALL {
                return Some(Room { _permits: vec![acquire(&self.small, units).await?] });
            }
            let of_sender = acquire(&self.of_sender(sender), units).await?;
            Some(Room { _permits: vec![of_sender, acquire(&self.large, units).await?] })
        };
        tokio::time::timeout(WAIT, reserving).await.ok().flatten()
    }

    fn of_sender(&self, sender: BodySender) -> Arc<Semaphore> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        // Only semaphores in use are stored; the others have all their permits.
        senders.retain(|_, room| Arc::strong_count(room) > 1);
        let new = || Arc::new(Semaphore::new(ONE_SENDER / UNIT));
        Arc::clone(senders.entry(sender).or_insert_with(new))
    }

    /// Waits for the permit to process an uploaded file. Only one is processed at a time, because it
    /// takes several times its size.
    ///
    /// Fails with `Unavailable` after the timeout.
    pub(crate) async fn file_permit(&self) -> AppResult<Room> {
        let permit = tokio::time::timeout(FILE_WAIT, acquire(&self.files, 1)).await;
        permit
            .ok()
            .flatten()
            .map(|permit| Room { _permits: vec![permit] })
            .ok_or(AppError::Unavailable)
    }
}

async fn acquire(of: &Arc<Semaphore>, units: u32) -> Option<OwnedSemaphorePermit> {
    Arc::clone(of).acquire_many_owned(units).await.ok()
}

/// Reads a body to its end, but only returns its first `kept` bytes. It's for rejected bodies, so
/// that the sender gets the response.
///
/// Fails like [`Memory::read`], but never with `Unavailable`.
pub(crate) async fn read_beginning(
    req: &HttpRequest,
    mut payload: Payload,
    limits: BodyLimits,
    kept: usize,
) -> AppResult<RequestBody> {
    if declared_length(req).is_some_and(|length| length > limits.bytes) {
        return Err(AppError::TooLarge);
    }
    let reading = async {
        let mut bytes = Vec::new();
        while bytes.len() < kept {
            let Some(chunk) = payload.next().await else { return Ok(bytes) };
            let chunk = chunk.map_err(|_| broke_off())?;
            let room = (kept - bytes.len()).min(chunk.len());
            bytes.extend_from_slice(&chunk[..room]);
        }
        discard(&mut payload, limits.bytes, bytes.len()).await?;
        Ok(bytes)
    };
    let bytes = within(limits.timeout, reading).await?;
    Ok(RequestBody { bytes, _room: Room::default() })
}

/// Reads and discards the rest; `length` bytes were already read.
async fn discard(payload: &mut Payload, limit: usize, mut length: usize) -> AppResult<()> {
    while let Some(chunk) = payload.next().await {
        length += chunk.map_err(|_| broke_off())?.len();
        if length > limit {
            return Err(AppError::TooLarge);
        }
    }
    Ok(())
}

async fn within<T>(timeout: Duration, reading: impl Future<Output = AppResult<T>>) -> AppResult<T> {
    tokio::time::timeout(timeout, reading)
        .await
        .map_err(|_| AppError::BadRequest("The connection was too slow. Try again.".into()))?
}

fn broke_off() -> AppError {
    AppError::BadRequest("The connection was interrupted. Try again.".into())
}

/// The size in the request's `Content-Length`.
pub(crate) fn declared_length(req: &HttpRequest) -> Option<usize> {
    req.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    async fn room(memory: &Memory, sender: BodySender, bytes: usize) -> Option<Room> {
        tokio::time::timeout(Duration::from_millis(20), memory.reserve(sender, bytes))
            .await
            .ok()
            .flatten()
    }

    #[actix_web::test]
    async fn one_sender_never_has_it_all_and_small_bodies_have_room_of_their_own() {
        let memory = Memory::default();
        let (one, other) = (BodySender::Store(1), BodySender::Store(2));
        let first = room(&memory, one, 15 * MIB).await;
        assert!(first.is_some());
        assert!(room(&memory, one, 2 * MIB).await.is_none(), "its own share");
        let second = room(&memory, other, 4 * MIB).await;
        assert!(second.is_some());
        assert!(room(&memory, BodySender::Merchant(1), 2 * MIB).await.is_none(), "that of all");
        let small = room(&memory, one, SMALL).await;
        assert!(small.is_some());
        drop(first);
        assert!(room(&memory, one, 16 * MIB).await.is_some(), "given back");
    }

    #[actix_web::test]
    async fn whoever_waits_gets_what_is_given_back() {
        let memory = Data::new(Memory::default());
        let sender = BodySender::Merchant(1);
        let held = memory.reserve(sender, 16 * MIB).await;
        let waiting = {
            let memory = Data::clone(&memory);
            actix_web::rt::spawn(async move { memory.reserve(sender, 16 * MIB).await.is_some() })
        };
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(held);
        assert!(waiting.await.unwrap());
    }
}
