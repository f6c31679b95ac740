import { checkDaemon } from '../../check/check.ts';
import { check } from '../check.ts';

/** Codes of `checkDaemon` that are looked at by checks of their own. */
const ELSEWHERE: readonly string[] = ['DECODER_UNAVAILABLE', 'PACKAGE_INVALID', 'FILE_NOT_FOUND', 'SIGNATURE_MISSING'];

export const configuration = check({
  name: 'configuration',
  title: 'configuration of the daemon',
  faults: {
    missing: {
      severity: 'failure',
      when: 'there is no configuration, or nobody may read it: the daemon waits for it',
      remedy: '`wayside init` writes one; an own one: `wayside daemon --check --config {path}`',
    },
    invalid: {
      severity: 'failure',
      when: 'a key is unknown, missing, or out of its range',
      remedy: 'correct it: `editor {path}`, then `wayside daemon --check --config {path}`',
    },
    secret: {
      severity: 'failure',
      when: 'a password, certificate or key that it names is missing, empty, expired, or does not fit',
      remedy: 'write it anew: `install -m 600 /dev/stdin /etc/wayside/secrets/NAME`, then `systemctl restart wayside`',
    },
  },
  async run({ daemon, environment, now }, { ok, fault }) {
    const { path, config } = daemon;
    if (config === undefined) {
      for (const problem of daemon.problems)
        fault(daemon.missing ? 'missing' : 'invalid', problem, { path, subject: path });
      return;
    }
    const { problems } = await checkDaemon(path, { environment, now });
    const ours = problems.filter(({ code }) => !ELSEWHERE.includes(code));
    for (const { code, message } of ours)
      fault(code === 'SECRET_UNREADABLE' ? 'secret' : 'invalid', message, { path, subject: path });
    if (ours.length === 0)
      ok(`${config.site}/${config.box}, cameras ${config.cameras.map(({ id }) => id).join(', ')}`, path);
  },
});
