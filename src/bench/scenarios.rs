//! What each scenario does, and what its report says.

use super::BenchError;
use super::args::{Common, Load, Scenario, steadily};
use super::producers::{Awards, Way, produce};
use super::reads::{Reads, What, read};
use super::report::{Meter, Report};
use super::rhythm;
use super::schedule::Loop;
use super::school::School;
use super::swarm::{Crowd, Swarm};
use super::tally::{Tally, Window};
use super::target::Target;
use super::wire::Place;
use crate::client::Board;
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// How long messages may take that are still on their way when the time is over.
const LAST_MESSAGES: Duration = Duration::from_secs(10);
/// Sockets that producers use beside many sessions, unless told otherwise.
const PRODUCERS: u64 = 16;
/// Sessions that are there before memory is looked at: what the first ones need is needed once.
const FIRST_SESSIONS: u64 = 100;
/// Students who get the awards where a board is watched: all of them are among its first places.
const WATCHED_PLACES: u64 = 100;
/// People that each of a crowd follows.
const CROWDED_PEOPLE: u64 = 100;
/// Memory is looked at when everything has settled.
const SETTLING: Duration = Duration::from_secs(2);
/// Awards a second that fill a board or give a storm something to come back to.
const FILLING_RATE: f64 = 2_000.0;

/// The board of everybody, in pages as large as they get.
const FIRST_PAGE: &str = "/leaderboards/all?limit=1000";

/// How far a run has come, from 0 to 1.
pub(super) type Progress = Rc<Cell<f64>>;

/// One run on a target.
pub(super) struct Run<'a> {
    pub(super) target: &'a mut Target,
    pub(super) common: &'a Common,
    pub(super) progress: Progress,
}

impl Run<'_> {
    /// Does what a scenario says.
    pub(super) async fn scenario(&mut self, scenario: &Scenario) -> Result<Report, BenchError> {
        let mut report = self.measure(scenario).await?;
        if let Some(seconds) = self.target.ready_after() {
            report.further.insert("node_ready_after_seconds", seconds);
        }
        Ok(report)
    }

    async fn measure(&mut self, scenario: &Scenario) -> Result<Report, BenchError> {
        match scenario {
            Scenario::Earn { load, .. } => self.earn(load).await,
            Scenario::Class {
                load,
                sessions,
                crowd,
                stalled,
                ..
            } => self.class(load, *sessions, (*crowd, *stalled)).await,
            Scenario::Board {
                load, watchers, boards, ..
            } => self.board(load, *watchers, *boards).await,
            Scenario::Idle {
                sessions, own_topic, ..
            } => self.idle(*sessions, *own_topic).await,
            Scenario::Storm { sessions, .. } => self.storm(*sessions).await,
            Scenario::Read {
                what,
                etag,
                callers,
                rate,
                ..
            } => self.read(*what, *etag, *callers, *rate).await,
            Scenario::Mixed {
                sessions, rhythm, peak, ..
            } => self.mixed(*sessions, rhythm.as_deref(), *peak).await,
        }
    }

    async fn earn(&mut self, load: &Load) -> Result<Report, BenchError> {
        let school = self.school(self.common.students).await?;
        let (awards, used) = self.load(school, load.way(CALLING), load.when(), None).await?;
        let mut report = self.report("earn", json!(load), &awards.tally, used);
        self.compare_with_the_board(&awards, &mut report).await?;
        Ok(report)
    }

    async fn class(&mut self, load: &Load, sessions: u64, (crowd, stalled): (u64, bool)) -> Result<Report, BenchError> {
        let school = self.school(sessions).await?;
        let place = Place::of(self.target)?;
        let swarm = Swarm::gather(&place, sessions, own_and_team(school)).await?;
        let _crowd = Crowd::gather(&place, crowd, stalled, |number| crowded(school, number)).await?;
        let (awards, used) = self
            .load(school, load.way(PRODUCING), load.when(), Some(&swarm))
            .await?;
        let settings = json!({"sessions": sessions, "team_size": self.common.team_size, "rate": load.rate, "crowd": crowd,
            "stalled": stalled});
        let mut report = self.report("class", settings, &awards.tally, used);
        self.add_deliveries(&mut report, &swarm, &awards).await?;
        Ok(report)
    }

    async fn board(&mut self, load: &Load, watchers: u64, boards: u64) -> Result<Report, BenchError> {
        let school = self.school(self.common.students).await?;
        let place = Place::of(self.target)?;
        let names = [
            "board:all",
            "board:all:day",
            "board:all:week",
            "board:all:season",
            "board:teams",
        ];
        let topics: Vec<String> = names
            .iter()
            .take(boards as usize)
            .map(|&name| name.to_owned())
            .collect();
        let swarm = Swarm::gather(&place, watchers, |_| topics.clone()).await?;
        // Places far down are not watched: what changes there is told to nobody.
        let students = school.students.min(WATCHED_PLACES);
        let in_sight = School { students, ..school };
        let (awards, used) = self
            .load(in_sight, load.way(PRODUCING), load.when(), Some(&swarm))
            .await?;
        let settings = json!({"watchers": watchers, "boards": boards, "rate": load.rate});
        let mut report = self.report("board", settings, &awards.tally, used);
        report.delivered(swarm.received(), None);
        if let Some(node) = &report.node {
            let deliveries = report.deliveries.map_or(0.0, |deliveries| deliveries.per_second);
            report
                .further
                .insert("deliveries_per_core_second", deliveries / node.cpu_cores);
        }
        Ok(report)
    }

    async fn idle(&mut self, sessions: u64, own_topic: bool) -> Result<Report, BenchError> {
        let school = self.school(sessions).await?;
        let place = Place::of(self.target)?;
        let topics = |number| match own_topic {
            true => vec![format!("user:{}", school.student(number))],
            false => Vec::new(),
        };
        let first = Swarm::gather(&place, FIRST_SESSIONS.min(sessions), topics).await?;
        sleep(SETTLING).await;
        let before = self.target.memory();
        let more = sessions.saturating_sub(FIRST_SESSIONS);
        let rest = Swarm::gather(&place, more, |number| topics(FIRST_SESSIONS + number)).await?;
        sleep(SETTLING).await;
        let window = Window::after(Duration::ZERO, self.common.lasting());
        let used = self.metered(window).await;
        let grown = self.target.memory().saturating_sub(before) as f64 / 1024.0;
        let tally = Tally::new(window);
        let settings = json!({"sessions": sessions, "own_topic": own_topic});
        let mut report = self.report("idle", settings, &tally, used);
        report
            .further
            .insert("resident_kib_per_session", grown / more.max(1) as f64);
        let ended = first.ended() + rest.ended();
        report.further.insert("sessions_lost", ended as f64);
        Ok(report)
    }

    async fn storm(&mut self, sessions: u64) -> Result<Report, BenchError> {
        if !self.target.is_own() {
            return Err(BenchError::OwnOnly);
        }
        let school = self.school(sessions).await?;
        let place = Place::of(self.target)?;
        let mut swarm = Swarm::gather(&place, sessions, own_and_team(school)).await?;
        // Something to come back to.
        self.load(school, PRODUCING, Loop::Open(vec![FILLING_RATE]), Some(&swarm))
            .await?;
        self.target.kill()?;
        self.target.start_again()?;
        let (began, before) = (Instant::now(), Meter::read(self.target));
        let back = swarm.come_back(&Place::of(self.target)?).await?;
        let used = Meter::read(self.target).since(before);
        let seconds = began.elapsed().as_secs_f64();
        let settings = json!({"sessions": sessions});
        let mut report = Report::new("storm", settings, seconds, back.len() as u64, used, self.target);
        let at = |share: f64| back[((back.len() - 1) as f64 * share) as usize];
        report.further.extend([
            ("half_back_after_seconds", at(0.5)),
            ("p99_back_after_seconds", at(0.99)),
            ("all_back_after_seconds", at(1.0)),
        ]);
        Ok(report)
    }

    async fn read(&mut self, what: What, etag: bool, callers: u64, rate: Option<f64>) -> Result<Report, BenchError> {
        let school = self.school(self.common.students).await?;
        self.fill(school).await?;
        let window = Window::after(self.common.warm_up(), self.common.lasting());
        let tally = Rc::new(Tally::new(window));
        let reads = Reads::new(school, Rc::clone(&tally), steadily(rate), vec![what], etag);
        let place = Place::of(self.target)?;
        let reads = Rc::new(reads);
        let reading = read(&place, callers, &reads);
        let (used, ()) = tokio::try_join!(self.measured(window), reading)?;
        let settings = json!({"what": format!("{what:?}").to_lowercase(), "etag": etag, "callers": callers, "rate": rate,
            "students": school.students});
        let mut report = self.report("read", settings, &tally, used);
        if let Some(node) = &report.node {
            let a_core = report.operations_per_second / node.cpu_cores;
            report.further.insert("reads_per_core_second", a_core);
        }
        Ok(report)
    }

    async fn mixed(&mut self, sessions: u64, data: Option<&Path>, peak: f64) -> Result<Report, BenchError> {
        let day = rhythm::busiest_day(data)?;
        let rates = day.rates(peak, self.common.seconds.max(1.0) as usize);
        let school = self.school(sessions).await?;
        let place = Place::of(self.target)?;
        let swarm = Swarm::gather(&place, sessions, own_and_team(school)).await?;
        // A day begins slowly by itself: there is nothing to warm up.
        let window = Window::after(Duration::ZERO, self.common.lasting());
        let what = vec![What::Progress, What::Board, What::Around];
        let often = rates.iter().map(|rate| rate * what.len() as f64).collect();
        let awards = Rc::new(Awards::new(
            school,
            Rc::new(Tally::new(window)),
            Loop::Open(rates),
            true,
        ));
        let read_tally = Rc::new(Tally::new(window));
        let reads = Rc::new(Reads::new(
            school,
            Rc::clone(&read_tally),
            Loop::Open(often),
            what,
            true,
        ));
        swarm.measure(window, &awards);
        let producing = produce(&place, PRODUCING, &awards);
        let reading = read(&place, PRODUCERS, &reads);
        let (used, (), ()) = tokio::try_join!(self.measured(window), producing, reading)?;
        let settings = json!({"sessions": sessions, "peak": peak, "day": day.name, "deeds_of_the_day": day.deeds});
        let mut report = self.report("mixed", settings, &awards.tally, used);
        self.add_deliveries(&mut report, &swarm, &awards).await?;
        report.further.insert("reads", read_tally.count() as f64);
        if let Some(latency) = read_tally.latencies.percentiles() {
            report.further.insert("read_p50_ms", latency.p50);
            report.further.insert("read_p99_ms", latency.p99);
        }
        for (why, count) in read_tally.refusals() {
            report.refused.insert(format!("read {why}"), count);
        }
        Ok(report)
    }

    async fn school(&self, students: u64) -> Result<School, BenchError> {
        School::bring(self.target, students, self.common.team_size).await
    }

    /// Awards for the time of a run, with or without sessions that listen: what was sent, and what was used meanwhile.
    async fn load(
        &self,
        school: School,
        way: Way,
        when: Loop,
        swarm: Option<&Swarm>,
    ) -> Result<(Rc<Awards>, Meter), BenchError> {
        let window = Window::after(self.common.warm_up(), self.common.lasting());
        let tally = Rc::new(Tally::new(window));
        let awards = Rc::new(Awards::new(school, tally, when, swarm.is_some()));
        if let Some(swarm) = swarm {
            swarm.measure(window, &awards);
        }
        let place = Place::of(self.target)?;
        let (used, ()) = tokio::try_join!(self.measured(window), produce(&place, way, &awards))?;
        Ok((awards, used))
    }

    /// Points for everybody, so that there is something to read.
    async fn fill(&self, school: School) -> Result<(), BenchError> {
        let seconds = school.students as f64 / FILLING_RATE;
        let window = Window::after(Duration::ZERO, Duration::from_secs_f64(seconds.max(0.5)));
        let tally = Rc::new(Tally::new(window));
        let awards = Awards::new(school, tally, Loop::Open(vec![FILLING_RATE]), false);
        produce(&Place::of(self.target)?, PRODUCING, &Rc::new(awards)).await
    }

    async fn measured(&self, window: Window) -> Result<Meter, BenchError> {
        Ok(self.metered(window).await)
    }

    /// What is used inside the window. Shows on the way how far it has come.
    async fn metered(&self, window: Window) -> Meter {
        sleep_until(window.from).await;
        let before = Meter::read(self.target);
        while !window.is_over() {
            let left = window.until.saturating_duration_since(Instant::now()).as_secs_f64();
            self.progress.set(1.0 - left / window.seconds());
            sleep_until(window.until.min(Instant::now() + Duration::from_millis(200))).await;
        }
        Meter::read(self.target).since(before)
    }

    fn report(&self, scenario: &'static str, settings: Value, tally: &Tally, used: Meter) -> Report {
        let mut report = Report::new(
            scenario,
            settings,
            tally.window.seconds(),
            tally.count(),
            used,
            self.target,
        );
        report.latency_ms = tally.latencies.percentiles();
        report.refused = tally.refusals();
        report
    }

    /// Waits until every acknowledged award was heard of, and adds what sessions received.
    async fn add_deliveries(&self, report: &mut Report, swarm: &Swarm, awards: &Awards) -> Result<(), BenchError> {
        let refused: u64 = awards.tally.refusals().values().sum();
        let expected = awards.sent().saturating_sub(refused);
        let began = Instant::now();
        while swarm.heard() < expected && began.elapsed() < LAST_MESSAGES {
            sleep(Duration::from_millis(5)).await;
        }
        report.delivered(swarm.received(), swarm.shared().latencies.borrow().percentiles());
        report
            .further
            .insert("awards_not_heard_of", expected.saturating_sub(swarm.heard()) as f64);
        report.further.insert("sessions_lost", swarm.ended() as f64);
        Ok(())
    }

    /// The board of a node that was made for this run must hold what was acknowledged.
    async fn compare_with_the_board(&self, awards: &Awards, report: &mut Report) -> Result<(), BenchError> {
        if !self.target.is_new() {
            return Ok(());
        }
        let (client, mut sum, mut path) = (self.target.client()?, 0, FIRST_PAGE.to_owned());
        loop {
            let page: Board = client.get(&path).await?;
            sum += page.entries.iter().map(|row| row.points).sum::<u64>();
            match page.next_cursor {
                Some(cursor) => path = format!("{FIRST_PAGE}&cursor={cursor}"),
                None => break,
            }
        }
        let missing = awards.tally.points.get() as f64 - sum as f64;
        report
            .further
            .insert("points_acknowledged_but_not_on_the_board", missing);
        Ok(())
    }
}

/// Who sends awards, where nothing else is loaded.
const CALLING: Way = Way::Http {
    callers: 256,
    keyed: false,
};
/// Who sends awards beside many sessions.
const PRODUCING: Way = Way::Socket {
    sessions: PRODUCERS,
    in_flight: 64,
};

fn own_and_team(school: School) -> impl Fn(u64) -> Vec<String> {
    move |number| {
        vec![
            format!("user:{}", school.student(number)),
            format!("team:{}", school.team(number)),
        ]
    }
}

/// Many topics that change all the time.
fn crowded(school: School, number: u64) -> Vec<String> {
    let people = (0..CROWDED_PEOPLE).map(|person| format!("user:{}", school.student(number * CROWDED_PEOPLE + person)));
    // Fewer students than that are followed once.
    let people: BTreeSet<String> = people.collect();
    people.into_iter().chain(["board:all".to_owned()]).collect()
}
