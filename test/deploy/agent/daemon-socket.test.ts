import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '../../../core/log.ts';
import { DaemonSocket } from '../../../deploy/agent/daemon-socket.ts';
import { type FromDaemon, LONGEST_LINE_BYTES } from '../../../deploy/trial/protocol.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { until } from '../../support/until.ts';

const folder = temporaryFolder();
const hello = { v: 1, type: 'hello', daemon: 'd', packageFormats: [1], runtime: 'r', model: null };
interface Seen {
  readonly heard: FromDaemon[];
  gone: number;
}
let seen: Seen;
let server: DaemonSocket;
const path = (): string => join(folder(), 'agent.sock');
/** Of each test its own: a connection may end after it. */
const listenersOf = (here: Seen) => ({
  onMessage: (message: FromDaemon) => void here.heard.push(message),
  onGone: () => void here.gone++,
});
const log = createLog('test', { write: () => {} });

async function client(): Promise<Socket> {
  const socket = connect(path());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

beforeEach(async () => {
  seen = { heard: [], gone: 0 };
  server = new DaemonSocket(path(), listenersOf(seen), log);
  await server.open();
});
afterEach(() => server.close());

describe('the socket of the agent', () => {
  it('is for its own user and group alone, and two agents do not share it', async () => {
    expect((await stat(path())).mode & 0o777).toBe(0o660);
    await expect(new DaemonSocket(path(), listenersOf(seen), log).open()).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
    });
  });

  it('takes one daemon at a time, and the next one after it', async () => {
    const first = await client();
    first.write(`${JSON.stringify(hello)}\n`);
    await until('the hello', () => seen.heard.length === 1);
    const second = await client();
    await once(second, 'close');
    expect(server.send({ v: 1, type: 'reload' })).toBe(true);
    first.destroy();
    await until('the end of the first', () => seen.gone === 1);
    expect(server.send({ v: 1, type: 'reload' })).toBe(false);
    const third = await client();
    third.write(`${JSON.stringify(hello)}\n`);
    await until('the hello of the third', () => seen.heard.length === 2);
    third.destroy();
  });

  it.each([
    ['what is no JSON', 'no JSON\n'],
    ['another version of the protocol', `${JSON.stringify({ ...hello, v: 2 })}\n`],
    ['a message that names a path', `${JSON.stringify({ ...hello, package: '/etc' })}\n`],
    ['a line without an end', 'x'.repeat(LONGEST_LINE_BYTES + 1)],
  ])('ends the connection over %s, and hears nothing of it', async (_, text) => {
    const socket = await client();
    socket.write(text);
    await once(socket, 'close');
    await until('the end', () => seen.gone === 1);
    expect(seen.heard).toEqual([]);
  });
});
