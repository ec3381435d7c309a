// The preview of an import: what each row comes to, and why some cannot be imported.

import { useState } from 'preact/hooks';
import { number } from '../kit/i18n.js';
import { Name, Select } from '../kit/ui.js';
import { usePortion } from './common.js';
import type { Plan, PlannedRow, Status } from './plan.js';
import { columnWord, faultWord, isolated, roleWord, t } from './t.js';

const STATUSES = ['new', 'changed', 'unchanged', 'error'] as const;
const TONES: Readonly<Record<Status, string>> = { new: 'tag-good', changed: 'tag-warn', unchanged: '', error: 'tag-bad' };

export function Preview({ plan }: { plan: Plan }) {
  const count = (status: Status): number => plan.rows.filter((row) => row.status === status).length;
  const [filter, setFilter] = useState<Status | ''>(count('error') > 0 ? 'error' : '');
  const wanted = plan.rows.filter(({ status }) => filter === '' || status === filter);
  const [shown, more] = usePortion(wanted, filter);
  const choices = [['', t('import.all', { n: plan.rows.length })] as const, ...STATUSES.map((status) => [status, `${t(`import.${status}`)} (${number(count(status))})`] as const)];
  return (
    <div class="card stack">
      <h3>{t('import.preview')}</h3>
      {plan.ignored.length > 0 && <p class="note">{t('import.ignored', { columns: plan.ignored.map(isolated).join(', ') })}</p>}
      {count('error') > 0 && <p class="problem" role="alert">{t('import.faults', { n: count('error') })}</p>}
      <Select label={t('import.show')} value={filter} options={choices} onChange={(next) => setFilter(next as Status | '')} />
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">{t('import.lineNumber')}</th>
              <th scope="col">{t('import.becomes')}</th>
              {(['name', 'alias', 'role', 'team', 'course'] as const).map((column) => <th key={column} scope="col">{columnWord(column)}</th>)}
            </tr>
          </thead>
          <tbody>{shown.map((row) => <Row key={row.line} row={row} />)}</tbody>
        </table>
      </div>
      {more}
    </div>
  );
}

function Row({ row }: { row: PlannedRow }) {
  const { line, status, faults, id, name, alias, role, team, course, before } = row;
  return (
    <tr>
      <td class="number">{number(line)}</td>
      <td>
        <span class={`tag ${TONES[status]}`}>{t(`import.${status}`)}</span>
        {faults.length > 0 && <ul class="faults">{faults.map(faultWord).map((word) => <li key={word}>{word}</li>)}</ul>}
      </td>
      <td class="who">
        <Name>{name}</Name>
        <small>
          {id !== undefined && `#${id}`}
          {before && before.name !== name && <> {t('import.before')} <Name>{before.name}</Name></>}
          {before?.archived_at && <> {t('import.comesBack')}</>}
        </small>
      </td>
      <td>{alias !== undefined && <Name>{alias}</Name>}</td>
      <td>{role !== undefined && roleWord(role)}</td>
      <td>{team !== undefined && <Name>{team}</Name>}</td>
      <td>{course !== undefined && <Name>{course}</Name>}</td>
    </tr>
  );
}
