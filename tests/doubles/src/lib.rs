#![doc = include_str!("../README.md")]

pub mod power;
pub mod randomness;
