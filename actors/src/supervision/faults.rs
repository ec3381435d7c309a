//! What a test can do to an actor. Not in released programs.

/// How an actor is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It panics.
    Panic,
    /// It does not come to an end with its message.
    Hang,
}

impl Fault {
    pub(crate) async fn strike(self) {
        match self {
            Self::Panic => panic!("poisoned"),
            Self::Hang => std::future::pending().await,
        }
    }
}
