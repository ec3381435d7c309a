// The node's health: whether it is ready, and its figures as they are now.

import type { HomeroomHttp } from 'homeroom-sdk';
import { useEffect, useState } from 'preact/hooks';
import { bytes, number } from '../kit/i18n.js';
import type { Room } from '../kit/session.js';
import { Problem } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { mean, parse, rate, total, type Reading } from './prometheus.js';
import { Spark } from './spark.js';
import { roleWord, t } from './t.js';

interface Part {
  field: string;
  message: string;
}
/** What one look found: the parts that are not ready, and the figures. */
interface Look {
  down: readonly Part[];
  reading: Reading;
}

const LOOK_EVERY_MS = 2_000;
/** Two minutes of figures. */
const LOOKS_KEPT = 60;

export function HealthTab({ room }: { room: Room }) {
  const [looks, setLooks] = useState<readonly Look[]>([]);
  const [thrown, setThrown] = useState<unknown>();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isWanted = true;
    const again = async (): Promise<void> => {
      if (document.visibilityState === 'visible') {
        const [seen, why] = await look(room.http).then((one) => [one, undefined] as const, (error: unknown) => [undefined, error] as const);
        if (!isWanted) return;
        if (seen) setLooks((before) => [...before, seen].slice(-LOOKS_KEPT));
        setThrown(why);
      }
      timer = setTimeout(() => void again(), LOOK_EVERY_MS);
    };
    void again();
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, []);
  const now = looks.at(-1);
  return (
    <div class="stack">
      {thrown !== undefined && <Problem thrown={thrown} />}
      {now ? <><Ready down={now.down} /><Figures readings={looks.map(({ reading }) => reading)} /></> : thrown === undefined && <p class="soft" role="status">{w('loading')}</p>}
    </div>
  );
}

async function look(http: HomeroomHttp): Promise<Look> {
  const [down, response] = await Promise.all([partsDown(http), http.send('GET', '/metrics', { headers: { Accept: 'text/plain' } })]);
  return { down, reading: parse(await response.text(), performance.now()) };
}

/** The parts of the node that are not ready; that it is not is no failure of the question. */
async function partsDown(http: HomeroomHttp): Promise<readonly Part[]> {
  try {
    await http.get('/readyz');
    return [];
  } catch (thrown) {
    const { status, errors = [] } = thrown as { status?: number; errors?: readonly Part[] };
    if (status !== 503) throw thrown;
    return errors;
  }
}

const PARTS = ['writer', 'disk', 'journal', 'roster', 'engine'] as const;

function Ready({ down }: { down: readonly Part[] }) {
  const isReady = down.length === 0;
  return (
    <section class="card stack">
      <div class="row">
        <h2 class="grow">{t('health.ready')}</h2>
        <span role="status" class={`tag ${isReady ? 'tag-good' : 'tag-bad'}`}>{isReady ? t('health.isReady') : t('health.notReady')}</span>
      </div>
      <ul class="row parts">
        {PARTS.map((part) => {
          const why = down.find(({ field }) => field === part)?.message;
          return (
            <li key={part}>
              <span class={`tag ${why === undefined ? 'tag-good' : 'tag-bad'}`}>{t(`health.part.${part}`)}: {why === undefined ? t('health.fine') : t('health.down')}</span>
              {why !== undefined && <small lang="en">{why}</small>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

interface Figure {
  key: 'sessions' | 'requests' | 'awards' | 'commit' | 'memory' | 'queue' | 'limited' | 'database' | 'disk';
  /** From a reading and the one before it. */
  of(now: Reading, before: Reading | undefined): number | undefined;
  text(value: number): string;
}

/** A counter that nothing has risen yet may not be there. */
const perSecond = (name: string, labels?: Record<string, string>): Figure['of'] => (now, before) => before && (rate(before, now, name, labels) ?? 0);
const present = (name: string): Figure['of'] => (now) => total(now, name);

const FIGURES: readonly Figure[] = [
  { key: 'sessions', of: present('homeroom_sessions'), text: (value) => number(value) },
  { key: 'requests', of: perSecond('homeroom_http_requests_total'), text: (value) => number(value, 1) },
  { key: 'awards', of: perSecond('homeroom_events_total', { type: 'points_awarded' }), text: (value) => number(value, 1) },
  { key: 'commit', of: (now, before) => before && mean(before, now, 'homeroom_commit_seconds'), text: (value) => t('health.ms', { value: number(value * 1_000, 1) }) },
  { key: 'memory', of: present('process_resident_memory_bytes'), text: bytes },
  { key: 'queue', of: present('homeroom_writer_queue'), text: (value) => number(value) },
  { key: 'limited', of: perSecond('homeroom_rate_limited_total'), text: (value) => number(value, 1) },
  { key: 'database', of: present('homeroom_database_bytes'), text: bytes },
  { key: 'disk', of: present('homeroom_disk_free_bytes'), text: bytes },
];
const ROLES = ['student', 'mentor', 'admin', 'projector', 'service'] as const;

function Figures({ readings }: { readings: readonly Reading[] }) {
  const now = readings.at(-1) as Reading;
  const roles = ROLES.flatMap((role) => {
    const count = total(now, 'homeroom_sessions', { role }) ?? 0;
    return count > 0 ? `${roleWord(role)}: ${number(count)}` : [];
  });
  return (
    <section class="tiles" aria-label={t('health.figures')}>
      {FIGURES.map(({ key, of, text }) => {
        const values = readings.map((reading, at) => of(reading, readings[at - 1]));
        // A figure of which there was nothing just now stays as it was.
        const value = values.findLast((one) => one !== undefined);
        return (
          <div key={key} class="card tile">
            <h3>{t(`health.${key}`)}</h3>
            <p class="big">{value === undefined ? '–' : text(value)}</p>
            <Spark values={values} />
            <small>{key === 'sessions' && roles.length > 0 ? roles.join(' · ') : t(`health.${key}.hint`)}</small>
          </div>
        );
      })}
    </section>
  );
}
