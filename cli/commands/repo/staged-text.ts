import type { KeyName, StagedRole } from '../../../deploy/repository/status.ts';
import { table } from '../../table.ts';

const names = (keys: readonly KeyName[]): string => keys.map(({ name }) => name).join(', ');

/** What waits to be signed and published. */
export function stagedText(staged: readonly StagedRole[]): string {
  if (staged.length === 0) return 'nothing is staged';
  const rows = staged.flatMap(({ role, version, signing, added, removed }) =>
    signing.map(({ threshold, signed, missing }, at) => [
      at === 0 ? `${role} ${version}` : '',
      `signed by ${signed.length} of ${threshold}${signed.length === 0 ? '' : ` (${names(signed)})`}`,
      signed.length >= threshold ? '' : `waits for ${threshold - signed.length} of ${names(missing)}`,
      at === 0 ? [...added.map((path) => `+${path}`), ...removed.map((path) => `-${path}`)].join(' ') : '',
    ]),
  );
  const ready = staged.every(({ complete }) => complete);
  return `${table([['staged', 'signatures', '', 'targets'], ...rows])}\n\n${ready ? 'ready: wayside repo publish' : 'next: wayside repo sign'}`;
}
