import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError, messageOf } from '../../../core/errors.ts';
import { type Box, pathIn } from '../box.ts';
import { check, type Findings } from '../check.ts';
import { type Denied, may, storeAccess } from '../store-access.ts';

const STATE = 'var/lib/wayside';
const SECRET_FOLDERS = ['etc/wayside/secrets', 'etc/wayside/agent-secrets'];

/** A folder that may be entered by somebody stays one. */
const MEND_STORE =
  '`chown -R wayside-agent:wayside {path} && chmod -R u+rwX,g+rX,g-w,o-rwx {path}`, then `systemctl restart wayside-agent wayside`';

type Names =
  | 'secret-open'
  | 'configuration-writable'
  | 'configuration-unreadable'
  | 'store-writable'
  | 'store-unwritable'
  | 'store-unreadable'
  | 'state'
  | 'socket';

export const permissions = check({
  name: 'permissions',
  title: 'owners and permissions',
  faults: {
    'secret-open': {
      severity: 'failure',
      when: 'a password or key can be read by other users of the box',
      remedy: '`chown root:root {path} && chmod 600 {path}`; then change that password: it may have been read',
    },
    'configuration-writable': {
      severity: 'failure',
      when: 'others than root can change a configuration: its decoder command would run as they please',
      remedy: '`chown root {path} && chmod go-w {path}`',
    },
    'configuration-unreadable': {
      severity: 'failure',
      when: 'the user `wayside` cannot read a configuration, or the folder it lies in',
      remedy: '`chgrp wayside {path} && chmod g+r {path}`; a folder wants `chmod g+rx`',
    },
    'store-writable': {
      severity: 'failure',
      when: 'the daemon, or anybody, can write to the store of models: who takes over a decoder could put a model there',
      remedy: '`chown -R wayside-agent:wayside {path} && chmod -R g-w,o-rwx {path}`',
    },
    'store-unwritable': {
      severity: 'failure',
      when: 'something in the store of models cannot be written by the user `wayside-agent`, as after an import by root: no model can be installed',
      remedy: MEND_STORE,
    },
    'store-unreadable': {
      severity: 'failure',
      when: 'something in the store of models cannot be read by the user `wayside`: a model there does not run',
      remedy: MEND_STORE,
    },
    state: {
      severity: 'failure',
      when: 'the folder of the daemon’s state belongs to somebody else',
      remedy: '`chown -R wayside:wayside {path} && chmod 750 {path}`',
    },
    socket: {
      severity: 'failure',
      when: 'the agent’s socket is missing, or open to everybody',
      remedy: '`systemctl restart wayside-agent`, which makes it anew with the permissions of the unit',
    },
  },
  async run(box, findings) {
    await secrets(box, findings);
    for (const { path, folder, missing } of [box.daemon, box.agent])
      if (!missing) await settings(box, path, folder, findings);
    await store(box, findings);
    await socket(box, findings);
    const state = join(box.root, STATE);
    const found = await stat(state).catch(() => undefined);
    if (found === undefined || box.user === undefined) findings.skipped('no such folder, or no user wayside', state);
    else if (found.uid !== box.user.uid)
      findings.fault('state', `it belongs to user ${found.uid}`, { path: state, subject: state });
    else findings.ok(modeText(found.mode), state);
  },
});

const modeText = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');

/** Files that a configuration names, and what lies where units look. What systemd made from them has a list of its own (ACL). */
async function secrets({ root, daemon, agent, user }: Box, { ok, fault }: Findings<Names>): Promise<void> {
  const paths = new Set<string>();
  for (const folder of SECRET_FOLDERS)
    for (const name of await readdir(join(root, folder)).catch(() => [])) paths.add(join(root, folder, name));
  const mqtt = [daemon, agent].flatMap(({ config, folder }) =>
    [config?.mqtt.passwordFile, config?.mqtt.key].flatMap((path) =>
      path === undefined ? [] : [pathIn({ folder }, path)],
    ),
  );
  const cameras = (daemon.config?.cameras ?? []).flatMap(({ passwordFile }) =>
    passwordFile === undefined ? [] : [pathIn(daemon, passwordFile)],
  );
  for (const path of [...mqtt, ...cameras]) if (!path.startsWith('/run/credentials/')) paths.add(path);
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || !found.isFile()) continue; // a missing one: see `configuration`
    const service = found.gid === 0 || found.gid === user?.gid || user === undefined;
    const open = (found.mode & 0o007) !== 0 || (found.mode & 0o020) !== 0 || ((found.mode & 0o040) !== 0 && !service);
    if (open) fault('secret-open', `mode ${modeText(found.mode)}`, { path, subject: path });
    else ok(modeText(found.mode), path);
  }
}

async function settings({ user }: Box, file: string, folder: string, { ok, fault }: Findings<Names>): Promise<void> {
  for (const path of [folder, file]) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    const about = { path, subject: path };
    const foreign = found.uid !== 0 && found.uid !== process.getuid?.();
    const others = (found.mode & 0o022) !== 0 && (found.mode & 0o1000) === 0;
    if (foreign || others) fault('configuration-writable', `mode ${modeText(found.mode)}, of user ${found.uid}`, about);
    else if (
      user !== undefined &&
      !may(found, { uid: user.uid, gids: [user.gid] }, found.isDirectory() ? 0o1 : 0o4) // a folder has to be entered, not listed
    )
      fault('configuration-unreadable', `mode ${modeText(found.mode)}, of group ${found.gid}`, about);
    else ok(modeText(found.mode), path);
  }
}

async function store(box: Box, findings: Findings<Names>): Promise<void> {
  const { daemon, user } = box;
  const { ok, fault, skipped } = findings;
  const named = daemon.config?.model.store ?? daemon.config?.model.package;
  if (named === undefined) return skipped('the configuration cannot be read', 'store');
  const path = pathIn(daemon, named);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return skipped('not there: see `model`', path);
  const owner = user !== undefined && found.uid === user.uid && (found.mode & 0o200) !== 0;
  const group = user !== undefined && found.gid === user.gid && (found.mode & 0o020) !== 0;
  const anybody = (found.mode & 0o002) !== 0;
  if (owner || group || anybody)
    fault('store-writable', `mode ${modeText(found.mode)}, of user ${found.uid}`, { path, subject: path });
  else ok(modeText(found.mode), path);
  if (daemon.config?.model.store !== undefined) await inStore(box, path, findings);
}

/** What lies in a store, of whomever it is: by owners and modes alone, since root may all. */
async function inStore({ user, agentUser }: Box, path: string, { ok, fault, skipped }: Findings<Names>): Promise<void> {
  const subject = `what is in ${path}`;
  if (user === undefined || agentUser === undefined)
    return skipped('no user wayside, or no user wayside-agent', subject);
  let access: Awaited<ReturnType<typeof storeAccess>>;
  try {
    access = await storeAccess(path, { daemon: user, agent: agentUser });
  } catch (cause) {
    if (!isSystemError(cause, 'EACCES', 'EPERM')) throw cause;
    return skipped(`root may look there: ${messageOf(cause)}`, subject);
  }
  const { unwritable, unreadable } = access;
  if (unwritable.length > 0) fault('store-unwritable', deniedText(unwritable), { path, subject });
  if (unreadable.length > 0) fault('store-unreadable', deniedText(unreadable), { path, subject });
  if (unwritable.length + unreadable.length === 0) ok('the agent may write it, and the daemon read it', subject);
}

function deniedText([first, ...more]: readonly Denied[]): string {
  if (first === undefined) return '';
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return `${first.path}: mode ${modeText(first.mode)}, of user ${first.uid}, group ${first.gid}${others}`;
}

async function socket({ daemon }: Box, { ok, fault, skipped }: Findings<Names>): Promise<void> {
  const named = daemon.config?.agent?.socket;
  if (named === undefined) return skipped('the daemon names no agent', 'socket');
  const path = pathIn(daemon, named);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isSocket()) fault('socket', 'no socket there', { path, subject: path });
  else if ((found.mode & 0o007) !== 0) fault('socket', `mode ${modeText(found.mode)}`, { path, subject: path });
  else ok(modeText(found.mode), path);
}
