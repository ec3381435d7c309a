// Choosing one person out of many: by typing a part of the name, the alias or the id.

import { useId, useState } from 'preact/hooks';
import { Name } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Search } from './common.js';
import { isFound, type Person } from './school.js';
import { t } from './t.js';

const SHOWN_MAX = 8;

export function PersonPick({ people, label, picked, onPick }: {
  people: readonly Person[];
  label: string;
  picked: Person | undefined;
  onPick(person: Person): void;
}) {
  const group = useId();
  const [typed, setTyped] = useState('');
  const found = people.filter((person) => isFound(person, typed));
  // Whoever is picked stays in sight: what is done next is done about them.
  const first = found.slice(0, SHOWN_MAX);
  const shown = picked && !first.some(({ id }) => id === picked.id) ? [picked, ...first] : first;
  return (
    <fieldset class="stack">
      <legend>{label}</legend>
      {people.length > SHOWN_MAX && <Search label={w('search')} value={typed} onChange={setTyped} />}
      {shown.length === 0 && <p class="soft">{w('nothing')}</p>}
      <div class="picks">
        {shown.map((person) => (
          <label key={person.id} class="choice">
            <input type="radio" name={group} required checked={picked?.id === person.id} onChange={() => onPick(person)} />
            <span><Name>{person.name}</Name> <small>#{person.id}{person.alias !== null && <> · <Name>{person.alias}</Name></>}</small></span>
          </label>
        ))}
      </div>
      {found.length > first.length && <p class="soft" role="status">{t('pick.beyond', { n: found.length - first.length })}</p>}
    </fieldset>
  );
}
