// The words of the mentor's page.

import { translator } from '../kit/i18n.js';
import de from './de.json';
import en from './en.json';

export const t = translator<typeof en>({ en, de });
