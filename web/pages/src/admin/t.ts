// The words of this page.

import { looker, translator } from '../kit/i18n.js';
import de from './de.json';
import en from './en.json';
import type { Fault } from './plan.js';

export const t = translator<typeof en>({ en, de });
const known = looker({ en, de });

export const roleWord = (role: string): string => known(`role.${role}`) ?? role;
export const actWord = (act: string): string => known(`act.${act}`) ?? act;
export const originWord = (origin: string): string => known(`rules.origin.${origin}`) ?? origin;
export const columnWord = (column: string): string => known(`import.column.${column}`) ?? column;
export const faultWord = ({ code, values }: Fault): string => t(`fault.${code}`, { ...values, column: columnWord(String(values['column'])) });

/** A name inside of a sentence: its direction stays its own. */
export const isolated = (name: string): string => `\u2068${name}\u2069`;
