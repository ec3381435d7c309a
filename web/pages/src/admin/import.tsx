// Importing people from a CSV file: choosing it, the preview, one request for all of it, the report.

import type { HomeroomHttp } from 'homeroom-sdk';
import { useMemo, useRef, useState } from 'preact/hooks';
import type { Room } from '../kit/session.js';
import { Field, Problem, useRead } from '../kit/ui.js';
import { Act, Loaded } from './common.js';
import { OpenQuote, decode, parse, type CsvRow } from './csv.js';
import { ORDER_MAX, lineOf, order, sizeOf, type ImportCounts, type Order } from './order.js';
import { plan, type Known, type PlannedRow } from './plan.js';
import { Preview } from './preview.js';
import { listed, readSchool, type Course } from './school.js';
import { t } from './t.js';

interface ReadFile {
  /** Which choice this was: the same file is another after it was mended. */
  turn: number;
  table: CsvRow[];
}
interface Report {
  counts: ImportCounts;
  created: number;
  left: number;
}

export function ImportView({ room, onClose, onDone }: { room: Room; onClose(): void; onDone(): void }) {
  const read = useRead(() => readKnown(room.http), []);
  const [report, setReport] = useState<Report>();
  const finish = (made: Report): void => {
    setReport(made);
    onDone();
  };
  return (
    <section class="stack">
      <div class="row">
        <h2 class="grow">{t('roster.import')}</h2>
        <button onClick={onClose}>{t('back')}</button>
      </div>
      {report ? <Done report={report} /> : <Loaded read={read}>{(known) => <Choose http={room.http} known={known} onDone={finish} />}</Loaded>}
    </section>
  );
}

async function readKnown(http: HomeroomHttp): Promise<Known> {
  const [school, courses] = await Promise.all([readSchool(http), listed<Course>(http, '/qualifications', { archived: true })]);
  return { ...school, courses };
}

function Choose({ http, known, onDone }: { http: HomeroomHttp; known: Known; onDone(report: Report): void }) {
  const [file, setFile] = useState<ReadFile>();
  const [thrown, setThrown] = useState<unknown>();
  const turns = useRef(0);
  // Browsers tell nothing when the file that is chosen already is chosen again, which is what one does after mending it.
  const forget = (event: Event): void => void ((event.currentTarget as HTMLInputElement).value = '');
  const open = async (event: Event): Promise<void> => {
    const chosen = (event.currentTarget as HTMLInputElement).files?.[0];
    const turn = (turns.current += 1);
    setFile(undefined);
    setThrown(undefined);
    if (!chosen) return;
    try {
      const table = parse(decode(new Uint8Array(await chosen.arrayBuffer())));
      // Reading takes a while: what was chosen last counts.
      if (turn === turns.current) setFile({ turn, table });
    } catch (why) {
      if (turn !== turns.current) return;
      setThrown(why instanceof OpenQuote ? new Error(t('import.openQuote', { line: why.line })) : why);
    }
  };
  return (
    <>
      <div class="card stack">
        <p>{t('import.how')}</p>
        <Field label={t('import.file')} type="file" accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values" onClick={forget} onChange={(event: Event) => void open(event)} />
        {thrown !== undefined && <Problem thrown={thrown} />}
      </div>
      {file && <Chosen key={file.turn} http={http} file={file} known={known} onDone={onDone} />}
    </>
  );
}

function Chosen({ http, file, known, onDone }: { http: HomeroomHttp; file: ReadFile; known: Known; onDone(report: Report): void }) {
  const planned = useMemo(() => plan(file.table, known), [file, known]);
  const [thrown, setThrown] = useState<unknown>();
  const wrong = planned.rows.filter(({ status }) => status === 'error').length;
  const wanted = planned.rows.filter(({ status }) => status === 'new' || status === 'changed').length;
  const send = async (): Promise<void> => {
    setThrown(undefined);
    try {
      const counts = await sendAll(http, planned.rows, known);
      onDone({ counts, created: planned.rows.filter(({ status }) => status === 'new').length, left: wrong });
    } catch (why) {
      setThrown(why);
    }
  };
  if (!planned.hasNames) return <p class="problem" role="alert">{t('import.noNames')}</p>;
  return (
    <div class="stack">
      <Preview plan={planned} />
      {thrown !== undefined && <Problem thrown={thrown} />}
      <div class="row end">
        {wanted === 0 && <p class="soft">{t('import.nothing')}</p>}
        {wanted > 0 && wrong === 0 && <Act class="primary" run={send}>{t('import.send', { n: wanted })}</Act>}
        {wanted > 0 && wrong > 0 && <Act run={send}>{t('import.sendGood', { n: wanted })}</Act>}
      </div>
    </div>
  );
}

const TRIES_MAX = 6;

/** Sends the rows without faults. Ids that turn out to be taken are those of erased people or newcomers: then further ones are tried. */
async function sendAll(http: HomeroomHttp, rows: readonly PlannedRow[], known: Known): Promise<ImportCounts> {
  for (let tries = 1, skip = 0; ; tries += 1) {
    const made = order(rows, known, skip);
    if (sizeOf(made.body) > ORDER_MAX) throw new Error(t('import.tooMany', { max: ORDER_MAX }));
    try {
      return (await http.request<ImportCounts>('POST', '/import', { body: made.body })).data;
    } catch (thrown) {
      if (tries === TRIES_MAX || !isTaken(thrown)) throw byLine(thrown, made);
      skip += made.body.users.length;
    }
  }
}

interface Refused {
  errors?: readonly { field: string; message: string }[];
  detail?: string;
}

function isTaken(thrown: unknown): boolean {
  const errors = (thrown as Refused).errors ?? [];
  return errors.length > 0 && errors.every(({ field, message }) => /^users\[\d+\]\.id$/.test(field) && message === 'is taken already');
}

/** A refusal that names lines of the file instead of places in the request. */
function byLine(thrown: unknown, made: Order): unknown {
  const { errors, detail } = thrown as Refused;
  if (!errors || errors.length === 0) return thrown;
  const named = errors.map(({ field, message }) => {
    const line = lineOf(field, made);
    return { field: line === undefined ? field : t('import.line', { line }), message };
  });
  return { detail, errors: named };
}

function Done({ report: { counts, created, left } }: { report: Report }) {
  return (
    <div class="card stack" role="status">
      <h3>{t('import.done')}</h3>
      <ul>
        <li>{t('import.done.created', { n: created })}</li>
        <li>{t('import.done.people', { n: counts.users })}</li>
        <li>{t('import.done.teams', { n: counts.teams })}</li>
        <li>{t('import.done.members', { n: counts.team_members })}</li>
        <li>{t('import.done.courses', { n: counts.qualifications })}</li>
        <li>{t('import.done.enrolments', { n: counts.enrolments })}</li>
        {left > 0 && <li>{t('import.done.left', { n: left })}</li>}
        {counts.skipped_erased.length > 0 && <li>{t('import.done.erased', { ids: counts.skipped_erased.join(', ') })}</li>}
      </ul>
    </div>
  );
}
