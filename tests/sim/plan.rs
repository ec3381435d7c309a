//! A plan: everything that a simulation is told from outside, one action a line. Made from a seed, kept as text, made shorter by
//! leaving lines out. Whatever is left out, the rest still makes sense.

use super::random::Random;

/// A whole simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What all randomness inside follows from.
    pub seed: u64,
    /// People 1 to this are in the school, all of them in team 1 at first.
    pub people: u64,
    /// Clients 0 to this, in turn: a service, a student (the person of that number), the team's mentor, a projector.
    pub clients: usize,
    /// In order.
    pub steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Time passes, milliseconds.
    Wait(u64),
    /// A client does something, or something is done to its connection.
    Client(usize, Deed),
    /// The disk fails in some way.
    Disk(DiskFault),
    /// An actor panics on its next message.
    Panic(Part),
    /// An actor hangs on its next message.
    Hang(Part),
    /// The node is stopped in order and started again after so many milliseconds.
    Restart(u64),
    /// The node is gone without a word, and started again after so many milliseconds.
    Kill(u64),
    /// A person joins team 1.
    Join(u64),
    /// A person leaves team 1.
    Part(u64),
    /// Somebody reads a person's progress and their row of the board over HTTP.
    Look(u64),
    /// The wall clock is set forward, by hours.
    Forward(u64),
}

/// What a client does, or what becomes of its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Asks for topics, from now on.
    Subscribe(Vec<String>),
    /// Lets topics go.
    Unsubscribe(Vec<String>),
    /// Sends a command under its own key, again and again until it is answered.
    Send(u64, Wish),
    /// Sends a command that it sent before once more, answered or not.
    Again(u64),
    /// The connection breaks; what was on its way is lost.
    Cut,
    /// Nothing passes for so long, in either direction, and nobody is told.
    HalfOpen(u64),
    /// The client takes nothing for so long.
    Deaf(u64),
    /// For so long everything passes a few bytes at a time, late.
    Trickle(u64),
    /// The client closes in order, and stays away for so long.
    Away(u64),
}

/// What is asked of the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// An award.
    Earn { user: u64, action: String, reference: u64 },
    /// Progress in a unit.
    Progress { user: u64, unit: u64, percentage: u64 },
}

/// What the disk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// Commits wait for so long.
    Stall(u64),
    /// So many commits fail and keep nothing.
    Fail(u64),
    /// A commit is kept, but its answer is lost.
    LoseKept,
    /// A commit is not kept, and its answer is lost.
    LoseLost,
    /// So many reads fail.
    Unreadable(u64),
    /// The next append to a learner's stream finds another version than it expects.
    Conflict(u64),
}

/// A part of the actor tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    User(u64),
    Learners(u64),
    Team,
    Board,
    Teams,
    Roster,
    Journal,
    Sessions(u64),
}

impl Plan {
    /// What this seed makes happen.
    pub fn of_seed(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let people = random.between(2, 7);
        let clients = random.between(2, 9) as usize;
        let steps = random.between(20, 90);
        let mut maker = Maker {
            random,
            people,
            clients,
            sent: Vec::new(),
        };
        let mut all = Vec::new();
        for client in 0..clients {
            all.push(maker.subscribe(client));
        }
        for _ in 0..steps {
            all.push(maker.step());
            if maker.random.one_in(2) {
                all.push(Step::Wait(maker.pause()));
            }
        }
        Self {
            seed,
            people,
            clients,
            steps: all,
        }
    }
}

/// Makes steps at random.
struct Maker {
    random: Random,
    people: u64,
    clients: usize,
    /// Which client sent the command of each number, from 1.
    sent: Vec<usize>,
}

/// What a client of this number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Service,
    Student,
    Mentor,
    Projector,
}

/// What a client of this number is.
pub const fn role(client: usize) -> Role {
    match client % 4 {
        0 => Role::Service,
        1 => Role::Student,
        2 => Role::Mentor,
        _ => Role::Projector,
    }
}

/// The person of a student's client.
pub const fn person(client: usize, people: u64) -> u64 {
    1 + client as u64 / 4 % people
}

impl Maker {
    fn pause(&mut self) -> u64 {
        match self.random.between(0, 10) {
            0..4 => self.random.between(1, 20),
            4..8 => self.random.between(20, 400),
            8 => self.random.between(400, 5_000),
            _ => self.random.between(5_000, 70_000),
        }
    }

    fn person(&mut self) -> u64 {
        self.random.between(1, self.people + 1)
    }

    fn step(&mut self) -> Step {
        match self.random.between(0, 100) {
            0..50 => self.send(),
            50..58 => self.deed(),
            58..66 => Step::Client(self.client(), self.weather()),
            66..72 => Step::Look(self.person()),
            72..80 => Step::Disk(self.disk()),
            80..86 => Step::Panic(self.part()),
            86..87 => Step::Hang(Part::User(self.person())),
            87..90 => Step::Restart(self.random.between(0, 3_000)),
            90..94 => Step::Kill(self.random.between(0, 3_000)),
            94..96 => Step::Part(self.person()),
            96..98 => Step::Join(self.person()),
            98 => Step::Forward(self.random.between(1, 30)),
            // A burst, longer than a topic remembers.
            _ => self.send(),
        }
    }

    fn client(&mut self) -> usize {
        self.random.between(0, self.clients as u64) as usize
    }

    fn send(&mut self) -> Step {
        let clients: Vec<usize> = (0..self.clients)
            .filter(|client| matches!(role(*client), Role::Service | Role::Student | Role::Mentor))
            .collect();
        let client = *self.random.choose(&clients);
        if self.random.one_in(8)
            && let Some(at) = self.sent.iter().rposition(|by| *by == client)
        {
            return Step::Client(client, Deed::Again(at as u64 + 1));
        }
        self.sent.push(client);
        let number = self.sent.len() as u64;
        let user = self.person();
        let wish = match (role(client), self.random.between(0, 4)) {
            (Role::Student, _) => Wish::Progress {
                user: person(client, self.people),
                unit: self.random.between(101, 105),
                percentage: self.random.between(0, 101),
            },
            (_, 0) => Wish::Progress {
                user,
                unit: self.random.between(101, 105),
                percentage: self.random.between(0, 101),
            },
            _ => {
                let actions = ["read_content", "complete_quiz", "contribute_resource"];
                let action = (*self.random.choose(&actions)).to_owned();
                // Now and then the same thing is wished for again, under another key.
                let reference = if self.random.one_in(6) { 1_001 } else { 1_000 + number };
                Wish::Earn {
                    user,
                    action,
                    reference,
                }
            }
        };
        Step::Client(client, Deed::Send(number, wish))
    }

    fn topics(&mut self, client: usize) -> Vec<String> {
        let mut topics = Vec::new();
        let own = match role(client) {
            Role::Student => Some(person(client, self.people)),
            Role::Service | Role::Mentor => Some(self.person()),
            Role::Projector => None,
        };
        topics.extend(own.map(|user| format!("user:{user}")));
        let mut others = vec![
            "board:all",
            "team:1",
            "board:teams",
            "board:team:1",
            "board:all:day",
            "announcements",
            "honours",
        ];
        if role(client) != Role::Projector {
            others.push("presence:1");
        }
        for topic in others {
            if self.random.one_in(2) {
                topics.push(topic.to_owned());
            }
        }
        if topics.is_empty() {
            topics.push("board:all".to_owned());
        }
        topics
    }

    fn subscribe(&mut self, client: usize) -> Step {
        let topics = self.topics(client);
        Step::Client(client, Deed::Subscribe(topics))
    }

    fn deed(&mut self) -> Step {
        let client = self.client();
        if self.random.one_in(3) {
            let topics = self.topics(client);
            return Step::Client(client, Deed::Unsubscribe(topics));
        }
        self.subscribe(client)
    }

    fn weather(&mut self) -> Deed {
        match self.random.between(0, 6) {
            0 | 1 => Deed::Cut,
            2 => Deed::HalfOpen(self.random.between(100, 120_000)),
            3 => Deed::Deaf(self.random.between(100, 60_000)),
            4 => Deed::Trickle(self.random.between(100, 20_000)),
            _ => Deed::Away(self.random.between(100, 20_000)),
        }
    }

    fn disk(&mut self) -> DiskFault {
        match self.random.between(0, 6) {
            0 => DiskFault::Stall(self.random.between(10, 3_000)),
            1 => DiskFault::Fail(self.random.between(1, 4)),
            2 => DiskFault::LoseKept,
            3 => DiskFault::LoseLost,
            4 => DiskFault::Unreadable(self.random.between(1, 5)),
            _ => DiskFault::Conflict(self.person()),
        }
    }

    fn part(&mut self) -> Part {
        match self.random.between(0, 8) {
            0 | 1 => Part::User(self.person()),
            2 => Part::Learners(self.person()),
            3 => Part::Team,
            4 => Part::Board,
            5 => Part::Teams,
            6 => Part::Roster,
            _ => Part::Sessions(self.random.between(0, 16)),
        }
    }
}
