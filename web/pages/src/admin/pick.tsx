// Choosing one person out of many: by typing a part of the name, the alias or the id.

import { useId, useState } from 'preact/hooks';
import { Name } from '../kit/ui.js';
import { w } from '../kit/words.js';
import { Search } from './common.js';
import { isFound, type Person } from './school.js';

const SHOWN_MAX = 8;

export function PersonPick({ people, label, picked, onPick }: {
  people: readonly Person[];
  label: string;
  picked: Person | undefined;
  onPick(person: Person): void;
}) {
  const group = useId();
  const [typed, setTyped] = useState('');
  const found = people.filter((person) => isFound(person, typed)).slice(0, SHOWN_MAX);
  return (
    <fieldset class="stack">
      <legend>{label}</legend>
      {people.length > SHOWN_MAX && <Search label={w('search')} value={typed} onChange={setTyped} />}
      {found.length === 0 && <p class="soft">{w('nothing')}</p>}
      <div class="picks">
        {found.map((person) => (
          <label key={person.id} class="choice">
            <input type="radio" name={group} checked={picked?.id === person.id} onChange={() => onPick(person)} />
            <span><Name>{person.name}</Name> <small>#{person.id}{person.alias !== null && <> · <Name>{person.alias}</Name></>}</small></span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
