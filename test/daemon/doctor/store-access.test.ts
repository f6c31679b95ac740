import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { may, storeAccess } from '../../../daemon/doctor/store-access.ts';
import { temporaryFolder } from '../../support/folder.ts';

const inside = temporaryFolder();
const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
const owner = { name: 'owner', uid, gid };
const member = { name: 'member', uid: uid + 4242, gid };
const stranger = { name: 'stranger', uid: uid + 4242, gid: gid + 4242 };

it('is what owner and mode say, of the first class that one is in', () => {
  const file = { mode: 0o100640, uid: 7, gid: 8 };
  const rights = (user: number, ...gids: number[]) => [4, 2, 1].map((what) => may(file, { uid: user, gids }, what));
  expect(rights(7, 8)).toEqual([true, true, false]);
  expect(rights(9, 5, 8)).toEqual([true, false, false]);
  expect(rights(9, 5)).toEqual([false, false, false]);
  expect(may({ ...file, mode: 0o047 }, { uid: 7, gids: [8] }, 4)).toBe(false); // an owner is not one of the others
  expect(rights(0)).toEqual([true, true, true]);
});

/** A store as the agent keeps one: its group reads. */
async function storeIn(name: string): Promise<string> {
  const root = join(inside(), name);
  const slot = join(root, 'models', 'colours', 'slots', 'A');
  await mkdir(slot, { recursive: true });
  for (const folder of ['downloads', 'tuf', 'lost+found']) await mkdir(join(root, folder));
  await writeFile(join(slot, 'model.onnx'), 'x');
  await writeFile(join(root, 'tuf', 'floors.1'), 'x', { mode: 0o600 });
  await symlink('/usr/share', join(root, 'factory'));
  for (const folder of ['', 'models', 'models/colours', 'models/colours/slots', 'models/colours/slots/A'])
    await chmod(join(root, folder), 0o750);
  await chmod(join(slot, 'model.onnx'), 0o640);
  return root;
}

it('finds nothing in a store as the agent keeps one, whatever the software and the file system have there', async () => {
  const root = await storeIn('well');
  expect(await storeAccess(root, { daemon: member, agent: owner })).toEqual({ unwritable: [], unreadable: [] });
});

it('finds what an import by root of older software left: what the agent cannot write, or the daemon not read', async () => {
  const root = await storeIn('left');
  const file = join(root, 'models', 'colours', 'slots', 'A', 'model.onnx');
  await chmod(file, 0o600);
  await chmod(join(root, 'models', 'colours', 'slots'), 0o700);
  const { unreadable } = await storeAccess(root, { daemon: member, agent: owner });
  expect(unreadable).toMatchObject([
    { path: join(root, 'models', 'colours', 'slots'), uid, gid },
    { path: file, uid, gid },
  ]);
  // All of it belongs to another user than the agent: only what its group may do is left to it.
  const { unwritable } = await storeAccess(root, { daemon: member, agent: stranger });
  expect(unwritable.map(({ path }) => path)).toEqual(
    expect.arrayContaining([root, join(root, 'models', 'colours'), file, join(root, 'tuf', 'floors.1')]),
  );
  expect(unwritable.map(({ path }) => path)).not.toContain(join(root, 'lost+found'));
});
