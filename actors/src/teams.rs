//! Teams: one actor for each awake team, keeping its facts and its performance.
