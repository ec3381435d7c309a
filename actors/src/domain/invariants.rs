//! The invariants of the domain as pure functions: called by tests, by simulations, and by `debug_assert!` after changes.
