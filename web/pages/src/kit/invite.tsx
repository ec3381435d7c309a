// How others come in: the class's address with its code, as text and as a QR code; sign-in links; the projector in a new window.

import type { HomeroomHttp } from 'homeroom-sdk';
import { useState } from 'preact/hooks';
import { moment } from './i18n.js';
import { Qr } from './qr.js';
import type { Classroom } from './session.js';
import { toast, toastProblem } from './ui.js';
import { w } from './words.js';

/** The class as those see it who let others in. */
export interface HostedClass extends Classroom {
  code: string | null;
  urls: string[];
}

/** Where students go: the first address on the network, else the one that this page came from. */
export const addressOf = (room: HostedClass): string => room.urls[0] ?? location.origin;
export const joinLink = (room: HostedClass): string => `${addressOf(room)}/#code=${room.code ?? ''}`;

export function JoinBox({ room }: { room: HostedClass }) {
  const link = joinLink(room);
  return (
    <div class="join">
      <Qr text={link} label={w('join.qr')} />
      <div class="stack">
        <p>{w('join.how')}</p>
        <p><strong class="join-address" dir="ltr">{addressOf(room)}</strong></p>
        <p>{w('join.code')} <span class="code" dir="ltr">{room.code}</span></p>
        <p><CopyButton text={link} /></p>
      </div>
    </div>
  );
}

export function CopyButton({ text }: { text: string }) {
  const copy = async (): Promise<void> => {
    // Without TLS browsers give no clipboard: then the text stands in a field, ready to be copied by hand.
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text).then(() => toast(w('copied'), 'good'), toastProblem);
    } else {
      prompt(w('copy'), text);
    }
  };
  return <button type="button" class="small" onClick={() => void copy()}>{w('join.copy')}</button>;
}

interface Link {
  path: string;
  expires_at: string;
}

export async function signInLink(http: HomeroomHttp, role: string, user_id?: number): Promise<Link> {
  const body = user_id === undefined ? { role } : { role, user_id };
  return (await http.request<Link>('POST', '/sign-ins', { body })).data;
}

/** Opens the wall screen. The window comes first: browsers let only a click open one. */
export async function openProjector(http: HomeroomHttp, room: HostedClass): Promise<void> {
  const screen = window.open('about:blank', '_blank');
  try {
    const { path } = await signInLink(http, 'projector');
    const target = `${path}&${new URLSearchParams({ code: room.code ?? '', at: addressOf(room) })}`;
    if (screen) screen.location.href = target;
    else location.href = target;
  } catch (thrown) {
    screen?.close();
    toastProblem(thrown);
  }
}

/** A link that signs a device in, shown as soon as it is asked for. */
export function SignInLink({ http, origin, role, user_id, label }: {
  http: HomeroomHttp;
  origin: string;
  role: string;
  user_id?: number;
  label: string;
}) {
  const [link, setLink] = useState<Link>();
  if (!link) {
    const make = (): void => void signInLink(http, role, user_id).then(setLink, toastProblem);
    return <button type="button" onClick={make}>{label}</button>;
  }
  const text = origin + link.path;
  return (
    <div class="stack">
      <Qr text={text} label={w('signin.qr')} />
      <code dir="ltr">{text}</code>
      <CopyButton text={text} />
      <small>{w('signin.until', { time: moment(link.expires_at) })}</small>
    </div>
  );
}
