import { readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UNIT_FOLDERS, unitText } from '../../../core/config/credentials.ts';
import { answerOf, type Box } from '../box.ts';
import { check, type Findings } from '../check.ts';

const WHERE = 'etc/systemd/system';
/** More and it is a loop, not an accident. */
const MOST_RESTARTS = 3;

export const units = check({
  name: 'units',
  title: 'units of systemd',
  faults: {
    masked: {
      severity: 'failure',
      when: 'a unit is masked: it cannot be started',
      remedy: '`systemctl unmask {unit} && systemctl enable --now {unit}`',
    },
    disabled: {
      severity: 'failure',
      when: 'a unit is not enabled: after the next power cut it stays down',
      remedy: '`systemctl enable --now {unit}`',
    },
    'watchdog-off': {
      severity: 'failure',
      when: 'no watchdog: a daemon that hangs is replaced by nobody',
      remedy: '`systemctl edit {unit}`, with `[Service]` and `WatchdogSec=30`, then `systemctl restart {unit}`',
    },
    down: {
      severity: 'failure',
      when: 'a unit that is enabled does not run',
      remedy: '`systemctl status {unit}` says why; then `systemctl restart {unit}`',
    },
    restarts: {
      severity: 'warning',
      when: 'a unit was started again more than three times by itself',
      remedy: '`journalctl --unit={unit} --priority=warning --since=-1day` says why',
    },
  },
  async run(box, findings) {
    const folders = UNIT_FOLDERS.map((folder) => join(box.root, folder));
    for (const [unit, wanted] of [
      ['wayside.service', true],
      ['wayside-agent.service', !box.agent.missing],
    ] as const) {
      const mask = await readlink(join(box.root, WHERE, unit)).catch(() => undefined);
      const about = { unit, subject: unit };
      if (mask === '/dev/null') {
        findings.fault('masked', `${WHERE}/${unit} leads to /dev/null`, about);
        continue;
      }
      const text = await unitText(unit, folders);
      if (text === undefined) findings.skipped('not installed: the software runs without systemd here', unit);
      else if (!wanted) findings.skipped('this box has no configuration for it', unit);
      else await unitState(box, unit, text, findings);
    }
  },
});

type Names = 'masked' | 'disabled' | 'watchdog-off' | 'down' | 'restarts';

async function unitState(box: Box, unit: string, text: string, { ok, fault }: Findings<Names>): Promise<void> {
  const about = { unit, subject: unit };
  const watchdog = [...text.matchAll(/^\s*WatchdogSec\s*=\s*(.*?)\s*$/gm)].at(-1)?.[1] ?? '';
  let faults = 0;
  const found = (name: Names, seen: string): void => {
    faults++;
    fault(name, seen, about);
  };
  if (!(await isEnabled(box, unit))) found('disabled', 'nothing starts it at boot');
  if (!/[1-9]|infinity/.test(watchdog) || watchdog === 'infinity')
    found('watchdog-off', watchdog === '' ? 'no WatchdogSec=' : `WatchdogSec=${watchdog}`);
  const runs = await stat(join(box.root, 'run/systemd/system')).then(
    () => true,
    () => false,
  );
  const shown = runs ? await answerOf(box, 'systemctl', ['show', '--property=ActiveState,NRestarts', unit]) : undefined;
  const state = /^ActiveState=(.*)$/m.exec(shown ?? '')?.[1];
  const restarts = Number(/^NRestarts=(\d+)$/m.exec(shown ?? '')?.[1] ?? 0);
  if (state !== undefined && !['active', 'reloading'].includes(state)) found('down', state);
  if (restarts > MOST_RESTARTS) found('restarts', `${restarts} times`);
  if (faults === 0)
    ok(`enabled, watchdog ${watchdog}${state === undefined ? '; systemd does not run here' : `, ${state}`}`, unit);
}

/** Whether a target wants it: what `systemctl enable` makes. */
async function isEnabled({ root }: Box, unit: string): Promise<boolean> {
  const targets = await readdir(join(root, WHERE)).catch(() => []);
  for (const target of targets.filter((name) => /\.(?:wants|requires)$/.test(name)))
    if ((await readdir(join(root, WHERE, target)).catch((): string[] => [])).includes(unit)) return true;
  return false;
}
