// Analytics: engagement, outcomes, success, resources, with charts, tables and CSV.

import { useMemo, useState } from 'preact/hooks';
import { day, number, percent } from '../kit/i18n.js';
import { Bar, Field, Problem, Select, saveFile, toastProblem, useRead } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Chart, Table, type Series } from './chart.js';
import type { LiveClass, School } from './model.js';
import { t } from './words.js';

const KINDS = ['engagement', 'outcomes', 'success', 'resources'] as const;
const BUCKETS = ['hour', 'day', 'week'] as const;
const DAY_MS = 86_400_000;

type Bucket = { from: string } & Record<string, number | null | string>;
interface Figures {
  buckets?: Bucket[];
  score_distribution?: { score_from: number; score_to: number; quizzes: number }[];
  units?: { unit_id: number; title: string; begun: number; completed: number; completion_rate: number; dropped?: number }[];
  skills?: { skill: string; mastery_before: number; mastery_after: number }[];
  items?: { reference_id: number; quizzes: number; pass_rate: number; mean_score: number; difficulty: number }[];
  resources?: { contributor_id: number | null; reference_id: number; reads: number; readers: number; ratings: number; mean_rating: number | null }[];
}

/** Local days as date inputs have them. */
const dateOf = (moment: number): string => {
  const local = new Date(moment - new Date(moment).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 10);
};

export function Analytics({ school, live }: { school: School; live: LiveClass }) {
  const [kind, setKind] = useState<(typeof KINDS)[number]>('engagement');
  const [from, setFrom] = useState(dateOf(Date.now() - 13 * DAY_MS));
  const [to, setTo] = useState(dateOf(Date.now()));
  const [bucket, setBucket] = useState<(typeof BUCKETS)[number]>('day');
  const query = {
    from: new Date(`${from}T00:00`).toISOString(),
    to: new Date(new Date(`${to}T00:00`).getTime() + DAY_MS).toISOString(),
    bucket,
    team_id: live.id ?? undefined,
  };
  const { http } = school.room;
  const { data, thrown } = useRead(() => http.get<Figures>(`/analytics/${kind}`, query), [kind, from, to, bucket, live]);
  const save = async (): Promise<void> => {
    const answer = await http.send('GET', `/analytics/${kind}`, { query, headers: { Accept: 'text/csv' } });
    saveFile(`${kind}-${from}-${to}.csv`, await answer.blob());
  };
  const changed = (set: (value: string) => void) => (event: Event): void => {
    const { value } = event.currentTarget as HTMLInputElement;
    if (value) set(value);
  };
  return (
    <div class="stack">
      <div class="row wishes">
        <Select label={t('tab.analytics')} value={kind} options={KINDS.map((key) => [key, t(key)] as const)} onChange={(next) => setKind(next as typeof kind)} />
        <Field label={t('from')} type="date" value={from} max={to} onChange={changed(setFrom)} />
        <Field label={t('to')} type="date" value={to} min={from} onChange={changed(setTo)} />
        <Select label={t('bucket')} value={bucket} options={BUCKETS.map((key) => [key, t(`bucket.${key}`)] as const)} onChange={(next) => setBucket(next as typeof bucket)} />
        <button onClick={() => void save().catch(toastProblem)}>{t('csv')}</button>
      </div>
      {thrown !== undefined && <Problem thrown={thrown} />}
      {!data && thrown === undefined && <p>{w('loading')}</p>}
      {data && <Shown kind={kind} figures={data} live={live} />}
    </div>
  );
}

function Shown({ kind, figures, live }: { kind: (typeof KINDS)[number]; figures: Figures; live: LiveClass }) {
  return (
    <div class="grid charts">
      {kind === 'engagement' && <Counts figures={figures} caption={t('engagement')} keys={[['active', t('active')], ['new', t('new')], ['sessions', t('sessions')], ['active_minutes', t('minutes')]]} />}
      {kind === 'success' && <Counts figures={figures} caption={t('quizzes')} keys={[['quizzes', t('quizzes')], ['passed', t('passed')]]} />}
      {kind === 'success' && <Counts figures={figures} caption={t('success')} keys={[['pass_rate', t('passRate')], ['mean_score', t('meanScore')]]} isShare />}
      {kind === 'resources' && <Counts figures={figures} caption={t('resources')} keys={[['reads', t('reads')], ['readers', t('readers')], ['contributions', t('contributions')], ['ratings', t('ratings')]]} />}
      {kind === 'outcomes' && figures.score_distribution && <Distribution list={figures.score_distribution} />}
      {kind === 'outcomes' && figures.skills && (
        <section class="card">
          <Table caption={t('mastery')} head={[t('skill'), t('before'), t('after')]} rows={figures.skills.map((one) => [one.skill, percent(100 * one.mastery_before), percent(100 * one.mastery_after)])} />
        </section>
      )}
      {(kind === 'outcomes' || kind === 'success') && figures.units && (
        <section class="card">
          <Table
            caption={t('unit')}
            head={[t('unit'), t('begun'), t('completed'), t('rate'), ...(kind === 'success' ? [t('dropped')] : [])]}
            rows={figures.units.map((one) => [one.title, number(one.begun), number(one.completed), percent(100 * one.completion_rate), ...(kind === 'success' ? [number(one.dropped ?? 0)] : [])])}
          />
        </section>
      )}
      {kind === 'success' && figures.items && (
        <section class="card">
          <Table caption={t('item')} head={[t('item'), t('quizzes'), t('passRate'), t('meanScore'), t('difficulty')]} rows={figures.items.map((one) => [`#${one.reference_id}`, number(one.quizzes), percent(100 * one.pass_rate), number(one.mean_score, 2), number(one.difficulty, 2)])} />
        </section>
      )}
      {kind === 'resources' && figures.resources && (
        <section class="card">
          <Table
            caption={t('resource')}
            head={[t('resource'), t('by'), t('reads'), t('readers'), t('rating')]}
            rows={figures.resources.map((one) => [`#${one.reference_id}`, one.contributor_id === null ? '–' : live.name(one.contributor_id), number(one.reads), number(one.readers), one.mean_rating === null ? '–' : number(one.mean_rating, 1)])}
          />
        </section>
      )}
    </div>
  );
}

function Counts({ figures, caption, keys, isShare }: { figures: Figures; caption: string; keys: readonly (readonly [string, string])[]; isShare?: boolean }) {
  const buckets = figures.buckets ?? [];
  const times = useMemo(() => buckets.map(({ from }) => from), [figures]);
  const series = useMemo<Series[]>(() => keys.map(([key, label]) => ({
    label,
    values: buckets.map((one) => (typeof one[key] === 'number' ? (one[key] as number) : null)),
    text: (value) => (isShare ? percent(100 * value) : number(value)),
  })), [figures]);
  return (
    <section class="card">
      <Chart caption={caption} when={t('when')} times={times} labels={times.map(day)} series={series} />
    </section>
  );
}

function Distribution({ list }: { list: NonNullable<Figures['score_distribution']> }) {
  const most = Math.max(1, ...list.map(({ quizzes }) => quizzes));
  return (
    <section class="card">
      <table>
        <caption>{t('distribution')}</caption>
        <thead><tr><th scope="col">{t('score')}</th><th scope="col">{t('quizzes')}</th></tr></thead>
        <tbody>
          {list.map(({ score_from, score_to, quizzes }) => (
            <tr key={score_from}>
              <th scope="row">{number(score_from, 1)}–{number(score_to, 1)}</th>
              <td><Bar label={t('quizzes')} value={(100 * quizzes) / most} text={number(quizzes)} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
