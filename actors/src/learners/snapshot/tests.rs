//! Golden bytes of snapshots, and that whatever is written is read back.
