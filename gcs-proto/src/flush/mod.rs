//! View synchrony over extended virtual synchrony.
mod event;
pub use event::{FlushEvent, View, ViewMessage};
/// placeholder
#[derive(Debug)]
pub struct FlushLayer;
impl FlushLayer {
    /// placeholder
    pub fn flush_ok(&self) {}
}
