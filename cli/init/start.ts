import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf, WaysideError } from '../../core/errors.ts';

/** sd_booted(3) */
export const booted = (): boolean => existsSync('/run/systemd/system');

/**
 * Enables the services and starts them anew, so that they get their secrets.
 *
 * @throws {WaysideError} SERVICE_FAILED
 */
export async function startServices(units: readonly string[]): Promise<void> {
  for (const args of [
    ['enable', ...units],
    ['restart', ...units],
  ]) {
    try {
      await promisify(execFile)('systemctl', args, { timeout: 120_000 });
    } catch (cause) {
      throw new WaysideError('SERVICE_FAILED', {
        message: `systemctl ${args.join(' ')}: ${messageOf(cause).split('\n').filter(Boolean).at(-1) ?? ''}`,
        hint: `the configuration is in place; see \`systemctl status ${units.join(' ')}\``,
        cause,
      });
    }
  }
}
