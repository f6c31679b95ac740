import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChronyClock, clockFromTracking, trackingRequest } from '../../../contract/time-daemon/chrony.ts';
import { describeWith, program } from '../../support/requirements.ts';
import { until } from '../../support/until.ts';

/** A reply as candm.h lays it out. */
function reply({ sequence = 7, leap = 0, correction = 0, rootDelay = 0, rootDispersion = 0 }): Buffer {
  const bytes = Buffer.alloc(104);
  bytes.set([6, 2]);
  bytes.writeUInt16BE(33, 4);
  bytes.writeUInt16BE(5, 6);
  bytes.writeUInt32BE(sequence, 16);
  bytes.writeUInt16BE(leap, 54);
  for (const [index, value] of [
    [0, correction],
    [6, rootDelay],
    [7, rootDispersion],
  ] as const) {
    // 2^-20 s is the unit: the coefficient has 24 bits and a sign, the exponent of 25 - 20 is 5.
    const coefficient = Math.round(value * 2 ** 20) & 0x1ffffff;
    bytes.writeUInt32BE(((5 << 25) | coefficient) >>> 0, 68 + 4 * index);
  }
  return bytes;
}

describe('what chronyd answers', () => {
  it('is an error of what is still to be corrected, and the distance to the root', () => {
    const answered = reply({ correction: -0.25, rootDelay: 0.5, rootDispersion: 0.125 });
    expect(clockFromTracking(answered, 7)).toEqual({ synced: true, errorMs: 625 });
  });

  it('is that the clock is not synchronized', () => {
    expect(clockFromTracking(reply({ leap: 3 }), 7)).toEqual({ synced: false, errorMs: null });
  });

  it('is nothing when it is an answer to something else, or cut short', () => {
    expect(clockFromTracking(reply({ sequence: 8 }), 7)).toBeUndefined();
    expect(clockFromTracking(reply({}).subarray(0, 103), 7)).toBeUndefined();
    expect(clockFromTracking(trackingRequest(7), 7)).toBeUndefined();
    const failed = reply({});
    failed.writeUInt16BE(2, 8);
    expect(clockFromTracking(failed, 7)).toBeUndefined();
  });

  it('is missing where nobody listens, and asking does not hurt', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    const clock = new ChronyClock(port);
    expect(clock.read(0)).toBeUndefined();
    expect(clock.read(10_000)).toBeUndefined();
  });
});

/** `-x`: it leaves the clock of this machine alone. */
describeWith({ needs: ['chronyd'] }, 'a real chronyd', () => {
  let folder: string;
  let daemon: ChildProcess;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-chrony-'));
  });
  afterEach(async () => {
    daemon.kill();
    if (daemon.exitCode === null) await once(daemon, 'exit');
    await rm(folder, { recursive: true });
  });

  async function answer(source: readonly string[]): Promise<ReturnType<ChronyClock['read']>> {
    const probe = createSocket('udp4').bind(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address();
    probe.close();
    const lines = [...source, `cmdport ${port}`, 'port 0', 'bindcmdaddress 127.0.0.1', `pidfile ${folder}/pid`, ''];
    await writeFile(join(folder, 'chrony.conf'), lines.join('\n'));
    daemon = spawn(
      program('chronyd') ?? '',
      ['-x', '-d', '-U', '-u', userInfo().username, '-f', join(folder, 'chrony.conf')],
      {
        stdio: 'ignore',
      },
    );
    const clock = new ChronyClock(port);
    let asked = 0;
    return await until('chronyd to answer', () => {
      asked += 10_000;
      return clock.read(performance.now() + asked) ?? clock.read();
    });
  }

  it('that is its own reference says that the clock is synchronized, and by how much it may be wrong', async () => {
    const clock = await answer(['local stratum 10']);
    expect(clock?.synced).toBe(true);
    expect(clock?.errorMs).toBeLessThan(1000);
  });

  it('without a source says that it is not', async () => {
    expect(await answer([])).toEqual({ synced: false, errorMs: null });
  });
});
