// My team: where it stands, and who is in it.

import type { Performance } from 'homeroom-sdk';
import { number, percent } from '../kit/i18n.js';
import { Bar, Name } from '../kit/ui.js';
import { w } from '../kit/words.js';
import type { Me } from './model.js';
import { t } from './words.js';

export function TeamPart({ me }: { me: Me }) {
  const teams = me.teams.value;
  if (me.teamIds.value.length === 0) return <p class="card">{t('team.none')}</p>;
  if (teams.length === 0) return <p>{w('loading')}</p>;
  return <div class="stack">{teams.map((team) => <OneTeam key={team.team_id} me={me} team={team} />)}</div>;
}

function OneTeam({ me, team }: { me: Me; team: Performance }) {
  return (
    <div class="grid">
      <section class="card stack">
        <h2><Name>{team.name}</Name></h2>
        {team.rank !== null && <p>{t('team.rank', { n: team.rank })}</p>}
        <p><span class="big">{number(team.points.sum)}</span> {t('team.points')}</p>
        {team.skills.map(({ skill, mastery }) => (
          <div key={skill}><Name>{skill}</Name><Bar label={skill} value={mastery * 100} /></div>
        ))}
      </section>
      <section class="card">
        <div class="scroll">
          <table>
            <caption>{t('team.members')}</caption>
            <thead><tr><th>{t('team.member')}</th><th class="number">{t('boards.points')}</th><th class="number">{t('team.units')}</th></tr></thead>
            <tbody>
              {team.members?.map((member) => (
                <tr key={member.user_id} class={member.user_id === me.id ? 'own' : ''}>
                  <th scope="row"><Name>{member.name}</Name>{member.user_id === me.id && <span class="tag">{w('you')}</span>}</th>
                  <td class="number">{number(member.points)}</td>
                  <td class="number">{percent(member.completion_percentage)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </div>
  );
}
