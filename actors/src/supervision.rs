//! Restart policy: a window of restarts, exponential back-off, and quarantine. Used by every supervisor of the tree.
