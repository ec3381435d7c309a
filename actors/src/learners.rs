//! Learners: a directory of awake ones, waking and putting away, one actor each, supervised in shards.
