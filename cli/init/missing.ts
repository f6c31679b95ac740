import { WaysideError } from '../../core/errors.ts';
import type { Draft } from './answers.ts';
import { cameraSecret, type Secrets } from './secrets.ts';

/** What is needed and was not given, as the options that would give it. */
export function missingFrom(draft: Draft, secrets: Secrets): string[] {
  const { site, box, broker, cameras = [], repository, agent } = draft;
  const missing = (condition: boolean, option: string): string[] => (condition ? [option] : []);
  const unnamed = (user: string | undefined, name: string): boolean =>
    user !== undefined && secrets.get(name) === undefined;
  return [
    ...missing(site === undefined, '--site'),
    ...missing(box === undefined, '--box'),
    ...missing(broker?.url === undefined, '--broker'),
    ...missing(unnamed(broker?.username, 'mqtt'), '--broker-password-file'),
    ...missing(broker?.username === undefined && secrets.get('mqtt') !== undefined, '--broker-user'),
    ...missing(cameras.length === 0, '--camera'),
    ...cameras.flatMap(({ id, username }) => [
      ...missing(unnamed(username, cameraSecret(id)), `--camera-password-file ${id}=FILE`),
      ...missing(username === undefined && secrets.get(cameraSecret(id)) !== undefined, `--camera-user ${id}=NAME`),
    ]),
    ...missing(repository !== undefined && repository.url === undefined, '--repository'),
    ...missing(repository?.url !== undefined && repository.fingerprint === undefined, '--fingerprint'),
    ...missing(unnamed(agent?.username, 'agent'), '--agent-password-file'),
    ...missing(
      agent !== undefined && agent.username === undefined && secrets.get('agent') !== undefined,
      '--agent-user',
    ),
  ];
}

/** @throws {WaysideError} USAGE */
export function requireComplete(draft: Draft, secrets: Secrets): void {
  const missing = missingFrom(draft, secrets);
  if (missing.length === 0) return;
  throw new WaysideError('USAGE', {
    message: `missing: ${missing.join(', ')}`,
    hint: 'give them as options or with --answers FILE, or run `wayside init` on a terminal, which asks',
  });
}
