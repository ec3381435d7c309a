//! Announcements: paged backwards, taken back, bounded, and without the link to the erased.

use super::sample::{rows, student, team_id, user_id};
use super::{Engine, must, some};
use crate::ids::{AnnouncementId, TimeMs};
use crate::limits::ANNOUNCEMENTS_KEPT;
use crate::records::{AnnouncementFilter, AnnouncementRecord, Row};
use crate::store::Store;

fn announcement_id(number: u64) -> AnnouncementId {
    must(AnnouncementId::new(number))
}

fn announcement(number: u64, team: Option<u64>, user: Option<u64>) -> AnnouncementRecord {
    AnnouncementRecord {
        announcement_id: announcement_id(number),
        team_id: team.map(team_id),
        user_id: user.map(user_id),
        text: format!("text {number}"),
        at: TimeMs(1_000 + number as i64),
    }
}

async fn found(store: &dyn Store, filter: AnnouncementFilter, limit: usize) -> Vec<u64> {
    let found = must(store.announcements(filter, limit).await);
    found.iter().map(|record| record.announcement_id.get()).collect()
}

/// Newest first, filtered by team and person, also after a restart.
pub async fn announcements_are_read_backwards(engine: &dyn Engine) {
    let store = engine.fresh().await;
    assert_eq!(must(store.last_announcement().await), None);
    let made = [
        announcement(1, None, None),
        announcement(2, Some(3), Some(7)),
        announcement(3, Some(4), Some(7)),
        announcement(4, Some(3), Some(8)),
    ];
    must(
        store
            .commit(vec![rows(made.iter().cloned().map(Row::Announcement).collect())])
            .await,
    );
    let store = engine.reopen(store).await;

    let mut all = must(store.announcements(AnnouncementFilter::default(), 10).await);
    all.reverse();
    assert_eq!(all, made);
    let before = AnnouncementFilter {
        before: Some(announcement_id(4)),
        ..AnnouncementFilter::default()
    };
    assert_eq!(found(&*store, before, 2).await, [3, 2]);
    let to_team = AnnouncementFilter {
        team_id: Some(team_id(3)),
        ..AnnouncementFilter::default()
    };
    assert_eq!(found(&*store, to_team, 10).await, [4, 2]);
    let by_person = AnnouncementFilter {
        user_id: Some(user_id(7)),
        ..AnnouncementFilter::default()
    };
    assert_eq!(found(&*store, by_person, 10).await, [3, 2]);
}

/// What is taken back is not read again, and its id is not given again.
pub async fn an_announcement_taken_back_keeps_its_id(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let made = [announcement(1, None, None), announcement(2, Some(3), Some(7))];
    must(
        store
            .commit(vec![rows(made.into_iter().map(Row::Announcement).collect())])
            .await,
    );
    let removed = || Row::AnnouncementRemoved {
        announcement_id: announcement_id(2),
    };
    must(store.commit(vec![rows(vec![removed()])]).await);
    must(store.commit(vec![rows(vec![removed()])]).await);
    let store = engine.reopen(store).await;
    assert_eq!(found(&*store, AnnouncementFilter::default(), 10).await, [1]);
    assert_eq!(must(store.last_announcement().await), Some(announcement_id(2)));
}

/// The oldest goes when one more than [`ANNOUNCEMENTS_KEPT`] comes.
pub async fn the_newest_announcements_are_kept(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let made = (1..=ANNOUNCEMENTS_KEPT + 1).map(|number| Row::Announcement(announcement(number, None, None)));
    must(store.commit(vec![rows(made.collect())]).await);
    let kept = found(&*store, AnnouncementFilter::default(), 2_000).await;
    assert_eq!(kept.len() as u64, ANNOUNCEMENTS_KEPT);
    assert_eq!((kept[0], some(kept.last().copied())), (ANNOUNCEMENTS_KEPT + 1, 2));
}

/// An erased person leaves what they announced, without the link to them.
pub async fn announcements_of_the_erased_have_no_author(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let made = [announcement(1, None, Some(7)), announcement(2, None, Some(8))].map(Row::Announcement);
    let people = [student(7), student(8)].map(Row::User);
    must(store.commit(vec![rows(people.into_iter().chain(made).collect())]).await);
    let erased = Row::Erased {
        user_id: user_id(7),
        erased_at: TimeMs(9),
    };
    must(store.commit(vec![rows(vec![erased])]).await);
    let all = must(store.announcements(AnnouncementFilter::default(), 10).await);
    let authors: Vec<_> = all.iter().map(|record| record.user_id).collect();
    assert_eq!(authors, [Some(user_id(8)), None]);
}
