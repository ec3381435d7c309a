// The seasons of the document in the editor: listed, added, taken out. They hold when the document is applied.

import { day } from '../kit/i18n.js';
import { Field, Form, Name } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { isInline, seasons, withSeason, withoutSeason, type Season } from './seasons.js';
import { isolated, t } from './t.js';

export function SeasonsForm({ document, onChange }: { document: string; onChange(document: string): void }) {
  const found = seasons(document);
  const add = async (fields: FormData): Promise<void> => {
    const season: Season = { name: String(fields.get('name')).trim(), from: String(fields.get('from')), to: String(fields.get('to')) };
    if (season.to <= season.from) throw new Error(t('season.order'));
    if (found.some(({ from, to }) => from < season.to && season.from < to)) throw new Error(t('season.overlap'));
    onChange(withSeason(document, season));
  };
  return (
    <section class="card stack">
      <h2>{t('seasons')}</h2>
      <p class="soft">{t('seasons.hint')}</p>
      {isInline(document) ? (
        <p class="note">{t('seasons.inline')}</p>
      ) : (
        <>
          {found.length === 0 && <p class="soft">{w('nothing')}</p>}
          <ul class="list">
            {found.map((season, at) => (
              <li key={at} class="row">
                <strong><Name>{season.name}</Name></strong>
                <span class="grow">{t('season.span', { from: dayWord(season.from), to: dayWord(season.to) })}</span>
                <button class="small" aria-label={t('season.remove.of', { name: isolated(season.name) })} onClick={() => onChange(withoutSeason(document, at))}>{t('season.remove')}</button>
              </li>
            ))}
          </ul>
          <Form key={found.length} action={t('season.add')} onSubmit={add}>
            <div class="grid">
              <Field label={t('season.name')} name="name" required maxLength={200} dir="auto" />
              <Field label={t('season.from')} name="from" type="date" required />
              <Field label={t('season.to')} hint={t('season.to.hint')} name="to" type="date" required />
            </div>
          </Form>
        </>
      )}
    </section>
  );
}

/** A day without a time; noon is the same day everywhere. */
const dayWord = (date: string): string => (/^\d{4}-\d{2}-\d{2}$/.test(date) ? day(`${date}T12:00:00`) : date);
