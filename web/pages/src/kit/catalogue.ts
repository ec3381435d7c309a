// Roster and catalogue as the node lists them.

import type { HomeroomHttp } from 'homeroom-sdk';
import { all } from './people.js';

export interface Unit {
  id: number;
  title: string;
  qualification_id: number | null;
  skills: string[];
  archived_at: string | null;
}
export interface Qualification {
  id: number;
  name: string;
  archived_at: string | null;
}
export interface Team {
  id: number;
  name: string;
  mentor_id: number | null;
  archived_at: string | null;
}
export interface User {
  id: number;
  name: string;
  alias: string | null;
  role: 'student' | 'mentor' | 'staff';
  archived_at?: string | null;
}

const PAGE = 1_000;

/** All items of a list; archived ones only if asked. */
export function list<Item>(http: HomeroomHttp, path: string, archived = false): Promise<Item[]> {
  return all((cursor) => http.get(path, { limit: PAGE, cursor, archived: archived || undefined }));
}
