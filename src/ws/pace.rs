//! When a session has to look up without being woken: pings, the token's end, rights, and how fast a client may send.

use homeroom_schema::limits::{
    FLOOD_PATIENCE, PING_EVERY, PINGS_MISSED_MAX, PONG_WAIT, SESSION_CONTROLS_BURST, SESSION_CONTROLS_PER_SECOND,
    SESSION_FRAMES_BURST, SESSION_FRAMES_PER_SECOND,
};
use std::time::Duration;
use tokio::time::Instant;

/// The clock hands of one session.
pub(super) struct Pace {
    pub(super) pings: Pings,
    pub(super) frames: FrameBudget,
    /// Pings and pongs, which nobody needs many of.
    controls: Bucket,
    /// When rights are looked at again; none while nothing has changed that they depend on.
    pub(super) rights_at: Option<Instant>,
    /// When the token ends by itself.
    pub(super) token_ends_at: Option<Instant>,
}

impl Pace {
    /// From now on; `token_life` is what is left of the token.
    pub(super) fn new(token_life: Option<Duration>) -> Self {
        let now = Instant::now();
        Self {
            pings: Pings::new(now),
            frames: FrameBudget::new(now),
            controls: Bucket::new(now, SESSION_CONTROLS_BURST, SESSION_CONTROLS_PER_SECOND),
            rights_at: None,
            // A token that ends later than the clock can count does not end while this session lives.
            token_ends_at: token_life.and_then(|life| now.checked_add(life)),
        }
    }

    /// A ping or pong was read. Whether the session may go on.
    pub(super) fn control(&mut self, now: Instant) -> bool {
        self.controls.take(now) >= 0.0
    }

    /// The next moment at which something is due.
    pub(super) fn next(&self, stalls_at: Option<Instant>) -> Instant {
        [self.rights_at, self.token_ends_at, stalls_at, self.frames.resumes_at]
            .into_iter()
            .flatten()
            .fold(self.pings.next_at, Instant::min)
    }
}

/// Pings, and how many of them in a row had no answer.
pub(super) struct Pings {
    next_at: Instant,
    unanswered: u32,
}

/// What to do about pings now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PingStep {
    /// Nothing yet.
    Wait,
    /// Send one.
    Ping,
    /// The peer is gone.
    Gone,
}

impl Pings {
    fn new(now: Instant) -> Self {
        Self {
            next_at: now + jittered(PING_EVERY),
            unanswered: 0,
        }
    }

    /// Any frame shows that the peer is there; the next ping is due after the usual time.
    pub(super) fn heard(&mut self, now: Instant) {
        if self.unanswered > 0 {
            self.unanswered = 0;
            self.next_at = now + jittered(PING_EVERY);
        }
    }

    /// What is due. While the session itself doesn't read (`listening` is false) silence proves nothing.
    pub(super) fn step(&mut self, now: Instant, listening: bool) -> PingStep {
        if now < self.next_at {
            return PingStep::Wait;
        }
        if !listening {
            self.next_at = now + PONG_WAIT;
            return PingStep::Wait;
        }
        if self.unanswered >= PINGS_MISSED_MAX {
            return PingStep::Gone;
        }
        self.unanswered += 1;
        self.next_at = now + PONG_WAIT;
        PingStep::Ping
    }
}

/// A token bucket: so many at once, so many a second in the long run.
struct Bucket {
    most: f64,
    rate: f64,
    tokens: f64,
    counted_at: Instant,
}

impl Bucket {
    fn new(now: Instant, most: u32, rate: u32) -> Self {
        Self {
            most: f64::from(most),
            rate: f64::from(rate),
            tokens: f64::from(most),
            counted_at: now,
        }
    }

    /// Takes one out, and says what is left: less than nothing when it was empty.
    fn take(&mut self, now: Instant) -> f64 {
        let earned = now.duration_since(self.counted_at).as_secs_f64() * self.rate;
        self.counted_at = now;
        self.tokens = (self.tokens + earned).min(self.most) - 1.0;
        self.tokens
    }
}

/// How many frames a client may send: so many at once, so many a second in the long run. At the bound its socket is left
/// alone for a while, which slows the sender down by itself; who stays there is flooding.
pub(super) struct FrameBudget {
    bucket: Bucket,
    /// When reading goes on; none while it does.
    pub(super) resumes_at: Option<Instant>,
    /// Since when the client has been at the bound; none once half of the burst has come back.
    at_bound_since: Option<Instant>,
}

impl FrameBudget {
    fn new(now: Instant) -> Self {
        Self {
            bucket: Bucket::new(now, SESSION_FRAMES_BURST, SESSION_FRAMES_PER_SECOND),
            resumes_at: None,
            at_bound_since: None,
        }
    }

    /// A frame was read. Whether the session may go on.
    pub(super) fn count(&mut self, now: Instant) -> bool {
        let left = self.bucket.take(now);
        if left < 1.0 {
            self.resumes_at = Some(now + Duration::from_secs_f64((1.0 - left) / self.bucket.rate));
            self.at_bound_since.get_or_insert(now);
        } else if left > self.bucket.most / 2.0 {
            self.at_bound_since = None;
        }
        self.at_bound_since
            .is_none_or(|since| now.duration_since(since) < FLOOD_PATIENCE)
    }

    /// Whether the socket may be read.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        if self.resumes_at.is_some_and(|at| at <= now) {
            self.resumes_at = None;
        }
        self.resumes_at.is_none()
    }
}

/// Up to a tenth earlier, so that sessions that began together do not ping together.
fn jittered(usual: Duration) -> Duration {
    let part = f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX);
    usual.mul_f64(1.0 - part / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_peer_is_gone_before_two_usual_beats() {
        let began = Instant::now();
        let (mut now, mut pings, mut sent) = (began, Pings::new(began), 0);
        loop {
            now += Duration::from_millis(100);
            match pings.step(now, true) {
                PingStep::Wait => {}
                PingStep::Ping => sent += 1,
                PingStep::Gone => break,
            }
        }
        assert_eq!(sent, PINGS_MISSED_MAX);
        assert!(now - began < 2 * PING_EVERY, "{:?}", now - began);
    }

    #[test]
    fn a_peer_that_answers_stays_and_a_session_that_does_not_read_does_not_judge() {
        let mut now = Instant::now();
        let (mut pings, mut sent) = (Pings::new(now), 0);
        for _ in 0..600 {
            now += Duration::from_secs(1);
            if pings.step(now, true) == PingStep::Ping {
                sent += 1;
                pings.heard(now);
            }
        }
        assert!((23..=27).contains(&sent), "{sent} pings in ten minutes");
        for _ in 0..600 {
            now += Duration::from_secs(1);
            assert_eq!(pings.step(now, false), PingStep::Wait);
        }
    }

    #[test]
    fn a_flood_is_read_at_the_bound_and_no_faster() {
        let mut now = Instant::now();
        let (mut budget, mut read) = (FrameBudget::new(now), 0);
        for _ in 0..9_000 {
            while budget.allows(now) {
                assert!(budget.count(now), "after {read} frames");
                read += 1;
            }
            now += Duration::from_millis(1);
        }
        let bound = SESSION_FRAMES_BURST + 9 * SESSION_FRAMES_PER_SECOND;
        assert!((bound - 20..=bound + 20).contains(&read), "{read} of {bound}");
    }

    #[test]
    fn who_stays_at_the_bound_is_flooding_and_who_pauses_is_not() {
        let began = Instant::now();
        let mut endless = FrameBudget::new(began);
        let mut now = began;
        loop {
            if endless.allows(now) && !endless.count(now) {
                break;
            }
            now += Duration::from_micros(500);
        }
        assert!(now - began > FLOOD_PATIENCE && now - began < 2 * FLOOD_PATIENCE);
        let mut bursts = FrameBudget::new(began);
        now = began;
        for _ in 0..100 {
            while bursts.allows(now) {
                assert!(bursts.count(now));
            }
            now += Duration::from_secs(2);
        }
    }

    #[test]
    fn pings_are_few() {
        let mut now = Instant::now();
        let mut pace = Pace::new(None);
        let sent = (0..100_000).take_while(|_| pace.control(now)).count();
        assert_eq!(sent, SESSION_CONTROLS_BURST as usize);
        now += Duration::from_secs(1);
        let mut pace = Pace::new(None);
        for _ in 0..10_000 {
            now += Duration::from_millis(200);
            assert!(pace.control(now));
        }
    }
}
