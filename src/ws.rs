//! The live protocol `homeroom.v1`: upgrade, session loop, frames. The rules of topics are the engine's.
