// The state of one learner and of one team, kept by folding the messages of their topics into a snapshot. Pure.

import type { Achievement, Achievements, MessageData, Performance, Progress, TopicMessage } from 'homeroom-sdk';

/** What the topic `user:{id}` tells, whole. */
export interface Learner {
  progress: Progress;
  achievements: Achievements;
}

/** The learner after one message; what a message does not tell (skills, criteria, shares of qualifications) stays until it is read anew. */
export function foldLearner(learner: Learner, message: TopicMessage): Learner {
  switch (message.type) {
    case 'progress_update':
      return { ...learner, progress: withUnit(learner.progress, message.data) };
    case 'points_update':
    case 'points_reversed':
    case 'points_adjusted':
    case 'state_carried': {
      const { total, level } = message.data;
      return { ...learner, progress: { ...learner.progress, points: { total, level } } };
    }
    case 'achievement_unlocked':
      return { ...learner, achievements: withAchievement(learner.achievements, message.data) };
    default:
      return learner;
  }
}

/** Whether a message changes something that only the node can tell: then progress and achievements are read anew. */
export function changesMore(message: TopicMessage): boolean {
  return message.type !== 'points_refused';
}

function withUnit(progress: Progress, data: MessageData['progress_update']): Progress {
  const before = progress.units.find((unit) => unit.unit_id === data.unit_id);
  const { user_id: _, ...unit } = data;
  const units = before ? progress.units.map((one) => (one === before ? unit : one)) : [...progress.units, unit];
  return { ...progress, units };
}

function withAchievement(achievements: Achievements, data: MessageData['achievement_unlocked']): Achievements {
  const { achievement_type, tier, earned_at, achievement_data } = data;
  const earned = (one: Achievement): Achievement =>
    one.achievement_type === achievement_type && one.tier === tier ? { ...one, earned_at, achievement_data } : one;
  return { ...achievements, achievements: achievements.achievements.map(earned) };
}

export function foldTeam(team: Performance, message: TopicMessage): Performance {
  return message.type === 'team_update' ? { ...team, ...message.data } : team;
}

/** Everything of a list that comes in pages. */
export async function all<Item>(
  read: (cursor: string | undefined) => Promise<{ items: Item[]; next_cursor: string | null }>,
  max = 10_000,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && items.length < max);
  return items;
}
