//! Ranks among a million: the board of the engine, and a sorted set of Redis, which is what would be taken instead.

use super::Report;
use super::runs::Plan;
use crate::standings::{Random, rows};
use homeroom_actors::domain::board::Board;
use std::hint::black_box;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROWS: u64 = 1_000_000;
const ASKED: u64 = 200_000;
const START_DEADLINE: Duration = Duration::from_secs(20);
/// Fills a sorted set as a school: multiples of five, many ties.
const FILL: &str = "math.randomseed(7) for i = 0, tonumber(ARGV[1]) - 1 do \
                    redis.call('ZADD', KEYS[1], math.random(0, 1999) * 5, string.format('%012d', i)) end";
/// A competition rank counts who has more points; `ZREVRANK` would put equals one below the other.
const RANK: &str =
    "local s = redis.call('ZSCORE', KEYS[1], ARGV[1]) return redis.call('ZCOUNT', KEYS[1], '(' .. s, '+inf') + 1";
const AROUND: &str = "local r = redis.call('ZREVRANK', KEYS[1], ARGV[1]) \
                      return redis.call('ZREVRANGE', KEYS[1], math.max(r - 5, 0), r + 5, 'WITHSCORES')";

pub(crate) fn ranks(plan: &Plan, report: &mut Report) {
    report.say(&format!(
        "\n## Ranks among {ROWS} rows with many ties\n\n| what | a second | processor time of each, µs |\n| --- | ---: | ---: |"
    ));
    of_the_engine(plan, report);
    let redis = match Redis::start(&plan.data) {
        Ok(redis) => redis,
        Err(why) => {
            report.say(&format!("\n!! LEFT OUT: {why}"));
            return;
        }
    };
    for (name, words) in [
        (
            "`ZREVRANK` (equals one below the other)",
            vec!["ZREVRANK", "board", "__rand_int__"],
        ),
        (
            "competition rank (`ZSCORE`, `ZCOUNT` in a script)",
            vec!["EVAL", RANK, "1", "board", "__rand_int__"],
        ),
        (
            "five neighbours on each side (a script)",
            vec!["EVAL", AROUND, "1", "board", "__rand_int__"],
        ),
    ] {
        for depth in ["1", "64"] {
            let mut asked: Vec<(f64, f64)> = (0..plan.runs).map(|_| redis.ask(&words, depth)).collect();
            asked.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (rate, each_us) = asked[asked.len() / 2];
            let how = if depth == "1" {
                "one at a time"
            } else {
                "64 in one write"
            };
            report.say(&format!(
                "| Redis, 64 connections, {how}: {name} | {rate:.0} | {each_us:.2} |"
            ));
        }
    }
}

fn of_the_engine(plan: &Plan, report: &mut Report) {
    let mut random = Random::default();
    let board = Board::from_rows(rows(ROWS, &mut random));
    let mut row = |name: &str, ask: &dyn Fn(u64)| {
        let mut seconds: Vec<f64> = (0..plan.runs)
            .map(|_| {
                let began = Instant::now();
                for _ in 0..ASKED {
                    ask(1 + random.below(ROWS));
                }
                began.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        let median = seconds[seconds.len() / 2];
        let (rate, each_us) = (ASKED as f64 / median, median * 1e6 / ASKED as f64);
        report.say(&format!(
            "| Homeroom, inside the engine: {name} | {rate:.0} | {each_us:.2} |"
        ));
    };
    row("competition rank", &|id| {
        black_box(board.rank(id));
    });
    row("five neighbours on each side, with ranks", &|id| {
        black_box(board.around(id, 5));
    });
}

/// A Redis that keeps nothing, reached by a Unix socket: the fastest way to it.
struct Redis {
    process: Child,
    directory: tempfile::TempDir,
}

impl Redis {
    fn start(data: &Path) -> Result<Self, String> {
        let directory = tempfile::tempdir_in(data).map_err(|error| error.to_string())?;
        let mut server = Command::new("redis-server");
        server.args([
            "--port",
            "0",
            "--save",
            "",
            "--appendonly",
            "no",
            "--unixsocket",
            "redis.socket",
        ]);
        server.current_dir(directory.path());
        server.stdin(Stdio::null()).stdout(Stdio::null());
        let process = server
            .spawn()
            .map_err(|_| "ranks of Redis, for want of the package redis-server")?;
        let redis = Self { process, directory };
        let deadline = Instant::now() + START_DEADLINE;
        while redis.say(&["PING"]).is_err() {
            if Instant::now() > deadline {
                return Err("Redis did not start".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        redis.say(&["EVAL", FILL, "1", "board", &ROWS.to_string()])?;
        Ok(redis)
    }

    /// One command by its own client, and what it answered.
    fn say(&self, words: &[&str]) -> Result<String, String> {
        let mut client = Command::new("redis-cli");
        client.current_dir(self.directory.path());
        client.args(["-e", "-s", "redis.socket"]).args(words);
        let said = client
            .output()
            .map_err(|_| "ranks of Redis, for want of the package redis-tools")?;
        if said.status.success() {
            Ok(String::from_utf8_lossy(&said.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&said.stderr).into_owned())
        }
    }

    /// Answers a second, and microseconds of the server's processor time for each.
    fn ask(&self, words: &[&str], depth: &str) -> (f64, f64) {
        let before = self.cpu_seconds();
        let mut asking = Command::new("redis-benchmark");
        asking.current_dir(self.directory.path());
        let (asked, rows) = (ASKED.to_string(), ROWS.to_string());
        asking.args([
            "-s",
            "redis.socket",
            "-c",
            "64",
            "-q",
            "-n",
            &asked,
            "-r",
            &rows,
            "-P",
            depth,
        ]);
        let asked = asking.args(words).output().expect("redis-benchmark runs");
        assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
        let spent = self.cpu_seconds() - before;
        let told = String::from_utf8_lossy(&asked.stdout);
        let rate = told.rsplit(" requests per second").nth(1);
        let rate = rate.and_then(|before| before.rsplit(' ').next()?.parse().ok());
        (
            rate.expect("redis-benchmark tells its rate"),
            spent * 1e6 / ASKED as f64,
        )
    }

    fn cpu_seconds(&self) -> f64 {
        let told = self.say(&["INFO", "cpu"]).expect("Redis answers");
        let figure = |name: &str| -> f64 {
            let line = told.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|text| text.trim().parse().ok())
                .expect("Redis tells its processor time")
        };
        figure("used_cpu_user:") + figure("used_cpu_sys:")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
