import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DestinationStream } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fieldsOf, journalStream } from '../../../core/journal/service-log.ts';
import { openUnixDatagram } from '../../../core/journal/unix-datagram.ts';
import { createLog, type Log, withPriorities } from '../../../core/log.ts';
import { Datagrams } from '../../support/datagrams.ts';

/** As journald reads them: systemd.io/JOURNAL_NATIVE_PROTOCOL. */
function decoded(datagram: Buffer): [string, string][] {
  const fields: [string, string][] = [];
  for (let at = 0; at < datagram.length; ) {
    const end = datagram.indexOf('\n', at);
    const line = datagram.toString('utf8', at, end);
    const equals = line.indexOf('=');
    if (equals >= 0) {
      fields.push([line.slice(0, equals), line.slice(equals + 1)]);
      at = end + 1;
      continue;
    }
    const length = Number(datagram.readBigUInt64LE(end + 1));
    const from = end + 9;
    fields.push([line, datagram.toString('utf8', from, from + length)]);
    expect(datagram[from + length]).toBe(10);
    at = from + length + 1;
  }
  return fields;
}

describe.skipIf(process.platform !== 'linux')('the log of a service', () => {
  let folder: string;
  let journal: Datagrams;
  let log: Log;
  let stderr: string;
  const otherwise: DestinationStream = withPriorities({
    write: (line) => {
      stderr += line;
    },
  });
  const fields = (): [string, string][] => journal.take().flatMap(decoded);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-journal-'));
    journal = new Datagrams(join(folder, 'socket'));
    stderr = '';
    log = createLog('wayside', journalStream(openUnixDatagram(join(folder, 'socket')), otherwise));
  });
  afterEach(async () => {
    journal.close();
    await rm(folder, { recursive: true });
  });

  it('is a line in the journal with priority, name, camera, model and code', () => {
    const model = { name: 'street', version: '1.2.0', digest: 'sha256:aa' };
    log.child({ camera: 'north' }).warn({ model, reason: { code: 'CAMERA_LOST', message: 'x' } }, 'camera stalled');
    const found = new Map(fields());
    expect(JSON.parse(found.get('MESSAGE') ?? '')).toMatchObject({ msg: 'camera stalled', camera: 'north', model });
    found.delete('MESSAGE');
    expect(Object.fromEntries(found)).toEqual({
      PRIORITY: '4',
      SYSLOG_FACILITY: '3',
      SYSLOG_IDENTIFIER: 'wayside',
      CAMERA: 'north',
      MODEL: 'street',
      MODEL_VERSION: '1.2.0',
      MODEL_DIGEST: 'sha256:aa',
      CODE: 'CAMERA_LOST',
    });
    expect(stderr).toBe('');
  });

  it('keeps a name with a line feed from becoming another field', () => {
    log.error({ camera: 'a\nPRIORITY=0', code: 'X\n' }, 'odd');
    expect(fields().filter(([name]) => ['PRIORITY', 'CAMERA', 'CODE'].includes(name))).toEqual([
      ['PRIORITY', '3'],
      ['CAMERA', 'a\nPRIORITY=0'],
      ['CODE', 'X\n'],
    ]);
  });

  it('cuts a line that is too long for a datagram, and says so', () => {
    log.info({ camera: 'north', text: 'ü'.repeat(1_000_000) }, 'long');
    const found = new Map(fields());
    expect(found.get('CAMERA')).toBe('north');
    expect(found.get('MESSAGE')).toMatch(/ü \.\.\. 19\d{5} bytes more$/);
    expect(stderr).toBe('');
  });

  it('goes to stderr, with its priority, while the journal takes nothing', async () => {
    journal.close();
    log.error({ camera: 'north' }, 'nobody listens');
    expect(stderr).toMatch(/^<3>\{.*nobody listens/);
    await rm(join(folder, 'socket'));
    journal = new Datagrams(join(folder, 'socket'));
    log.info('and again');
    expect(new Map(fields()).get('MESSAGE')).toContain('and again');
    expect(stderr.split('\n')).toHaveLength(2);
  });
});

describe('the fields of a line', () => {
  it('name every camera that it is about, once', () => {
    const reasons = [
      { code: 'camera-stalled', camera: 'north', message: '' },
      { code: 'camera-stalled', camera: 'south', message: '' },
      { code: 'inference-down', message: '' },
    ];
    expect(fieldsOf({ state: 'degraded', reasons })).toEqual([
      ['CAMERA', 'north'],
      ['CAMERA', 'south'],
      ['CODE', 'camera-stalled'],
      ['CODE', 'inference-down'],
    ]);
    expect(fieldsOf({ cameras: ['east', 'west'] })).toEqual([
      ['CAMERA', 'east'],
      ['CAMERA', 'west'],
    ]);
  });

  it('know the camera of a topic', () => {
    expect(fieldsOf({ topic: 'wayside/v1/site/box/camera/north/status' })).toEqual([['CAMERA', 'north']]);
    expect(fieldsOf({ topic: 'wayside/v1/site/box/state' })).toEqual([]);
  });

  it('take a model that is only named', () => {
    expect(fieldsOf({ model: 'street' })).toEqual([['MODEL', 'street']]);
  });

  it('are bounded', () => {
    const cameras = Array.from({ length: 1000 }, (_, index) => `camera-${index}-${'x'.repeat(1000)}`);
    const found = fieldsOf({ cameras });
    expect(found).toHaveLength(64);
    expect(Math.max(...found.map(([, value]) => value.length))).toBeLessThan(300);
  });
});
