//! Plans as text: a head of three lines, then one action a line. `#` begins a comment.

use super::plan::{Deed, DiskFault, Part, Plan, Step, Wish};
use std::fmt::{Display, Formatter, Result as Formatted};
use std::str::{FromStr, SplitWhitespace};

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> Formatted {
        writeln!(
            f,
            "seed {}\npeople {}\nclients {}",
            self.seed, self.people, self.clients
        )?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> Formatted {
        match self {
            Self::Wait(ms) => write!(f, "wait {ms}"),
            Self::Client(client, deed) => write!(f, "client {client} {deed}"),
            Self::Disk(fault) => write!(f, "disk {fault}"),
            Self::Panic(part) => write!(f, "panic {part}"),
            Self::Hang(part) => write!(f, "hang {part}"),
            Self::Restart(ms) => write!(f, "restart {ms}"),
            Self::Kill(ms) => write!(f, "kill {ms}"),
            Self::Join(user) => write!(f, "join {user}"),
            Self::Part(user) => write!(f, "part {user}"),
            Self::Look(user) => write!(f, "look {user}"),
            Self::Forward(hours) => write!(f, "forward {hours}"),
        }
    }
}

impl Display for Deed {
    fn fmt(&self, f: &mut Formatter<'_>) -> Formatted {
        match self {
            Self::Subscribe(topics) => write!(f, "subscribe {}", topics.join(" ")),
            Self::Unsubscribe(topics) => write!(f, "unsubscribe {}", topics.join(" ")),
            Self::Send(number, wish) => write!(f, "send {number} {wish}"),
            Self::Again(number) => write!(f, "again {number}"),
            Self::Cut => write!(f, "cut"),
            Self::HalfOpen(ms) => write!(f, "half-open {ms}"),
            Self::Deaf(ms) => write!(f, "deaf {ms}"),
            Self::Trickle(ms) => write!(f, "trickle {ms}"),
            Self::Away(ms) => write!(f, "away {ms}"),
        }
    }
}

impl Display for Wish {
    fn fmt(&self, f: &mut Formatter<'_>) -> Formatted {
        match self {
            Self::Earn {
                user,
                action,
                reference,
            } => write!(f, "earn {user} {action} {reference}"),
            Self::Progress { user, unit, percentage } => write!(f, "progress {user} {unit} {percentage}"),
        }
    }
}

impl Display for DiskFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> Formatted {
        match self {
            Self::Stall(ms) => write!(f, "stall {ms}"),
            Self::Fail(commits) => write!(f, "fail {commits}"),
            Self::LoseKept => write!(f, "lose-kept"),
            Self::LoseLost => write!(f, "lose-lost"),
            Self::Unreadable(reads) => write!(f, "unreadable {reads}"),
            Self::Conflict(user) => write!(f, "conflict {user}"),
        }
    }
}

impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> Formatted {
        match self {
            Self::User(user) => write!(f, "user {user}"),
            Self::Learners(user) => write!(f, "learners {user}"),
            Self::Team => write!(f, "team"),
            Self::Board => write!(f, "board"),
            Self::Teams => write!(f, "teams"),
            Self::Roster => write!(f, "roster"),
            Self::Journal => write!(f, "journal"),
            Self::Sessions(shard) => write!(f, "sessions {shard}"),
        }
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut plan = Self {
            seed: 0,
            people: 1,
            clients: 0,
            steps: Vec::new(),
        };
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                plan.take(line)
                    .map_err(|why| format!("line {number}, {line:?}: {why}"))?;
            }
        }
        Ok(plan)
    }
}

impl Plan {
    fn take(&mut self, line: &str) -> Result<(), String> {
        let mut words = Words(line.split_whitespace());
        match words.next()? {
            "seed" => self.seed = words.number()?,
            "people" => self.people = words.number()?,
            "clients" => self.clients = words.number()? as usize,
            first => self.steps.push(words.step(first)?),
        }
        words.end()
    }
}

struct Words<'a>(SplitWhitespace<'a>);

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<&'a str, String> {
        self.0.next().ok_or_else(|| "a word is missing".to_owned())
    }

    fn number(&mut self) -> Result<u64, String> {
        let word = self.next()?;
        word.parse().map_err(|_| format!("{word:?} is no number"))
    }

    fn rest(&mut self) -> Vec<String> {
        self.0.by_ref().map(str::to_owned).collect()
    }

    fn end(&mut self) -> Result<(), String> {
        match self.0.next() {
            None => Ok(()),
            Some(word) => Err(format!("{word:?} is one word too many")),
        }
    }

    fn step(&mut self, first: &str) -> Result<Step, String> {
        Ok(match first {
            "wait" => Step::Wait(self.number()?),
            "client" => Step::Client(self.number()? as usize, self.deed()?),
            "disk" => Step::Disk(self.disk()?),
            "panic" => Step::Panic(self.part()?),
            "hang" => Step::Hang(self.part()?),
            "restart" => Step::Restart(self.number()?),
            "kill" => Step::Kill(self.number()?),
            "join" => Step::Join(self.number()?),
            "part" => Step::Part(self.number()?),
            "look" => Step::Look(self.number()?),
            "forward" => Step::Forward(self.number()?),
            other => return Err(format!("{other:?} is no action")),
        })
    }

    fn deed(&mut self) -> Result<Deed, String> {
        Ok(match self.next()? {
            "subscribe" => Deed::Subscribe(self.rest()),
            "unsubscribe" => Deed::Unsubscribe(self.rest()),
            "send" => Deed::Send(self.number()?, self.wish()?),
            "again" => Deed::Again(self.number()?),
            "cut" => Deed::Cut,
            "half-open" => Deed::HalfOpen(self.number()?),
            "deaf" => Deed::Deaf(self.number()?),
            "trickle" => Deed::Trickle(self.number()?),
            "away" => Deed::Away(self.number()?),
            other => return Err(format!("clients do not {other:?}")),
        })
    }

    fn wish(&mut self) -> Result<Wish, String> {
        Ok(match self.next()? {
            "earn" => Wish::Earn {
                user: self.number()?,
                action: self.next()?.to_owned(),
                reference: self.number()?,
            },
            "progress" => Wish::Progress {
                user: self.number()?,
                unit: self.number()?,
                percentage: self.number()?,
            },
            other => return Err(format!("{other:?} is no command")),
        })
    }

    fn disk(&mut self) -> Result<DiskFault, String> {
        Ok(match self.next()? {
            "stall" => DiskFault::Stall(self.number()?),
            "fail" => DiskFault::Fail(self.number()?),
            "lose-kept" => DiskFault::LoseKept,
            "lose-lost" => DiskFault::LoseLost,
            "unreadable" => DiskFault::Unreadable(self.number()?),
            "conflict" => DiskFault::Conflict(self.number()?),
            other => return Err(format!("disks do not {other:?}")),
        })
    }

    fn part(&mut self) -> Result<Part, String> {
        Ok(match self.next()? {
            "user" => Part::User(self.number()?),
            "learners" => Part::Learners(self.number()?),
            "team" => Part::Team,
            "board" => Part::Board,
            "teams" => Part::Teams,
            "roster" => Part::Roster,
            "journal" => Part::Journal,
            "sessions" => Part::Sessions(self.number()?),
            other => return Err(format!("{other:?} is no part of the tree")),
        })
    }
}

#[test]
fn a_plan_reads_as_it_was_written() {
    for seed in 0..200 {
        let plan = Plan::of_seed(seed);
        assert_eq!(plan.to_string().parse(), Ok(plan));
    }
    for (text, why) in [
        ("wait", "line 1, \"wait\": a word is missing"),
        (
            "# only this\nwait 1 2",
            "line 2, \"wait 1 2\": \"2\" is one word too many",
        ),
        ("client 1 sings", "line 1, \"client 1 sings\": clients do not \"sings\""),
    ] {
        assert_eq!(text.parse::<Plan>(), Err(why.to_owned()));
    }
}
