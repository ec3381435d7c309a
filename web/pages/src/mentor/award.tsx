// Giving and taking back: awards, points by hand, team achievements, reversals with their undo.

import type { Action, Earned, HomeroomHttp } from 'homeroom-sdk';
import { useState } from 'preact/hooks';
import { Field, FormDialog, Select, toast, toastProblem, useRead } from '../kit/ui.js';
import { actionWord, reasonWord, w, withAgain } from '../kit/words.js';
import type { LiveClass, Person, School } from './model.js';
import { t } from './words.js';

const ACTIONS: readonly Action[] = ['complete_quiz', 'read_content', 'contribute_resource', 'community_feedback'];
const MANUAL = 'manual';

interface Budget {
  manual_awards?: { per_award: number; per_week: number; left: number };
}

const field = (fields: FormData, name: string): string => String(fields.get(name) ?? '').trim();

export function AwardDialog({ school, who, onClose }: { school: School; who: Person; onClose(): void }) {
  const { http } = school.room;
  const [kind, setKind] = useState<string>(ACTIONS[0] as string);
  const units = school.units.value.map(({ id, title }) => [String(id), title] as const);
  const [unit, setUnit] = useState(units[0]?.[0] ?? '');
  const { data: me } = useRead(() => http.get<Budget>('/me'), []);
  const budget = me?.manual_awards;
  const give = async (fields: FormData): Promise<void> => {
    if (kind === MANUAL) return byHand(http, who, Number(field(fields, 'points')), field(fields, 'reason'));
    const reference_id = Number(unit || field(fields, 'reference'));
    const score = field(fields, 'score');
    const evidence = score === '' ? undefined : { score: Number(score) / 100 };
    const body = { user_id: who.id, action_type: kind, reference_id, evidence };
    told(http, who.name, (await http.request<Earned>('POST', '/points/earn', { body })).data);
  };
  return (
    <FormDialog title={`${t('award')}: ${who.name}`} action={t('award.give')} onSubmit={give} onClose={onClose}>
      <Select label={t('award.kind')} value={kind} onChange={setKind} options={[...ACTIONS.map((action) => [action, actionWord(action)] as const), [MANUAL, t('award.manual')] as const]} />
      {kind !== MANUAL && <Select label={t('award.unit')} value={unit} onChange={setUnit} options={[...units, ['', t('award.other')] as const]} />}
      {kind !== MANUAL && unit === '' && <Field label={t('award.other')} name="reference" type="number" required min={1} step={1} />}
      {kind === 'complete_quiz' && <Field label={t('award.score')} name="score" type="number" min={0} max={100} step="any" />}
      {kind === MANUAL && <Field label={t('award.points')} name="points" type="number" required min={1} max={budget?.per_award} step={1} />}
      {kind === MANUAL && <Field label={t('award.reason')} name="reason" required maxLength={500} dir="auto" />}
      {kind === MANUAL && budget && <p class="soft">{t('award.budget', { left: budget.left, week: budget.per_week })}</p>}
    </FormDialog>
  );
}

async function byHand(http: HomeroomHttp, who: Person, points: number, reason: string): Promise<void> {
  const { data } = await http.request<{ event_id: number }>('POST', '/points/award', { body: { user_id: who.id, points, reason } });
  toast(t('award.given', { name: who.name, points }), 'good', { label: w('undo'), run: () => void reverse(http, data.event_id, w('undo')).catch(toastProblem) });
}

function refusal(reason: string | undefined, retry_at: string | null | undefined): string {
  return withAgain(t('award.refused', { reason: reasonWord(reason ?? '') }), retry_at);
}

/** Says what an award came to; what was given can be taken back at once. */
function told(http: HomeroomHttp, name: string, { awarded, points, reason, retry_at, event_id }: Earned): void {
  if (!awarded) return toast(refusal(reason, retry_at));
  toast(t('award.given', { name, points }), 'good', { label: w('undo'), run: () => void reverse(http, event_id, w('undo')).catch(toastProblem) });
}

export function TeamAchievementDialog({ school, live, onClose }: { school: School; live: LiveClass; onClose(): void }) {
  const { http } = school.room;
  const give = async (fields: FormData): Promise<void> => {
    const reference_id = Number(field(fields, 'reference'));
    const user_id = live.people.value?.[0]?.id;
    const body = { user_id, action_type: 'team_achievement', reference_id, evidence: { team_id: live.id } };
    const { data } = await http.request<Earned>('POST', '/points/earn', { body });
    const name = live.team.value?.name ?? '';
    if (data.awarded) toast(t('award.given', { name, points: data.points }), 'good');
    else toast(refusal(data.reason, data.retry_at));
  };
  return (
    <FormDialog title={t('award.team')} action={t('award.give')} onSubmit={give} onClose={onClose}>
      <p>{t('award.team.hint')}</p>
      <Field label={t('award.teamNumber')} name="reference" type="number" required min={1} step={1} />
    </FormDialog>
  );
}

/** Takes an award back; the toast gives it back. */
export async function reverse(http: HomeroomHttp, event_id: number, reason: string, done?: () => void): Promise<void> {
  await http.request('POST', `/points/${event_id}/reverse`, { body: { reason } });
  done?.();
  toast(t('reverse.done'), 'plain', { label: w('undo'), run: () => void reinstate(http, event_id).then(done, toastProblem) });
}

export async function reinstate(http: HomeroomHttp, event_id: number): Promise<void> {
  await http.request('POST', `/points/${event_id}/reinstate`, { body: {} });
  toast(t('reinstate.done'), 'good');
}

export function ReverseDialog({ http, event_id, onDone, onClose }: { http: HomeroomHttp; event_id: number; onDone(): void; onClose(): void }) {
  return (
    <FormDialog title={t('reverse.title')} action={t('reverse')} danger onSubmit={(fields) => reverse(http, event_id, field(fields, 'reason'), onDone)} onClose={onClose}>
      <Field label={t('reverse.reason')} name="reason" required maxLength={500} dir="auto" />
    </FormDialog>
  );
}
