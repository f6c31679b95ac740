import { fstatSync } from 'node:fs';

/** Whether stderr leads to the journal: systemd.exec(5), JOURNAL_STREAM, which a child with another stderr inherits too. */
export function isJournal(environment: NodeJS.ProcessEnv): boolean {
  const named = environment['JOURNAL_STREAM'];
  if (named === undefined) return false;
  const { dev, ino } = fstatSync(2);
  return named === `${dev}:${ino}`;
}
