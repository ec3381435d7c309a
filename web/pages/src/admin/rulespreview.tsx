// What a rules document would mean for everybody: the sums, and person by person.

import type { HomeroomHttp, Tier } from 'homeroom-sdk';
import { useEffect, useState } from 'preact/hooks';
import { number } from '../kit/i18n.js';
import { Name, Problem } from '../kit/ui.js';
import { achievementWord, tierWord, w } from '../kit/words.js';
import { Act } from './common.js';
import { t } from './t.js';

interface Won {
  achievement_type: string;
  tier: Tier;
}
interface PersonChange {
  user_id: number;
  name: string | null;
  total: number;
  new_total: number;
  points: number;
  level: number;
  new_level: number;
  tiers_given: Won[];
  tiers_lost: Won[];
}
interface Totals {
  /** Who were looked at. */
  people: number;
  gaining: { people: number; points: number };
  losing: { people: number; points: number };
  levels_changed: number;
  tiers_given: number;
  tiers_lost: number;
}
interface Found {
  totals: Totals | null;
  items: PersonChange[];
  next_cursor: string | null;
}

const PEOPLE_AT_ONCE = 100;

export function Preview({ http, document }: { http: HomeroomHttp; document: string }) {
  const [found, setFound] = useState<Found>();
  const [thrown, setThrown] = useState<unknown>();
  const read = async (cursor?: string): Promise<Found> =>
    (await http.request<Found>('POST', '/rules/preview', { body: { document, limit: PEOPLE_AT_ONCE, cursor } })).data;
  useEffect(() => {
    let isWanted = true;
    read().then((first) => isWanted && setFound(first), (why: unknown) => isWanted && setThrown(why));
    return () => void (isWanted = false);
  }, []);
  if (thrown !== undefined) return <Problem thrown={thrown} />;
  if (!found) return <p class="soft" role="status">{w('loading')}</p>;
  const more = async (): Promise<void> => {
    const next = await read(found.next_cursor ?? undefined);
    setFound({ totals: found.totals, items: [...found.items, ...next.items], next_cursor: next.next_cursor });
  };
  return (
    <section class="card stack">
      <h2>{t('preview')}</h2>
      <div role="status">{found.totals && <Sums totals={found.totals} isAnybody={found.items.length > 0} />}</div>
      {found.items.length > 0 && <Table items={found.items} />}
      {found.next_cursor !== null && <p><Act run={more}>{w('more')}</Act></p>}
    </section>
  );
}

function Sums({ totals, isAnybody }: { totals: Totals; isAnybody: boolean }) {
  const { people, gaining, losing, levels_changed, tiers_given, tiers_lost } = totals;
  return (
    <ul>
      <li>{t('preview.people', { n: people })}</li>
      {!isAnybody && <li>{t('preview.nobody')}</li>}
      {gaining.people > 0 && <li>{t('preview.gaining', { n: gaining.people, points: gaining.points })}</li>}
      {losing.people > 0 && <li>{t('preview.losing', { n: losing.people, points: losing.points })}</li>}
      {levels_changed > 0 && <li>{t('preview.levels', { n: levels_changed })}</li>}
      {tiers_given > 0 && <li>{t('preview.given', { n: tiers_given })}</li>}
      {tiers_lost > 0 && <li>{t('preview.lost', { n: tiers_lost })}</li>}
    </ul>
  );
}

function Table({ items }: { items: readonly PersonChange[] }) {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">{t('person.name')}</th>
            <th scope="col" class="number">{t('preview.points')}</th>
            <th scope="col" class="number">{t('preview.total')}</th>
            <th scope="col" class="number">{t('preview.level')}</th>
            <th scope="col">{t('preview.tiers')}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((one) => (
            <tr key={one.user_id}>
              <th scope="row">{one.name === null ? `#${one.user_id}` : <Name>{one.name}</Name>}</th>
              <td class={`number ${one.points < 0 ? 'falls' : 'rises'}`}>{t('preview.by', { sign: one.points < 0 ? '−' : '+', points: Math.abs(one.points) })}</td>
              <td class="number">{t('preview.fromTo', { from: one.total, to: one.new_total })}</td>
              <td class="number">{one.level === one.new_level ? number(one.level) : t('preview.fromTo', { from: one.level, to: one.new_level })}</td>
              <td>
                {one.tiers_given.map((won) => <span key={wonWord(won)} class="tag tag-good">+ {wonWord(won)}</span>)}
                {one.tiers_lost.map((won) => <span key={wonWord(won)} class="tag tag-bad">− {wonWord(won)}</span>)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const wonWord = ({ achievement_type, tier }: Won): string => `${achievementWord(achievement_type)} (${tierWord(tier)})`;
