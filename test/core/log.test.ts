import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLog, redactUrls, withPriorities } from '../../core/log.ts';

function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  let text = '';
  write(
    createLog('test', {
      write: (line: string) => {
        text += line;
      },
    }),
  );
  return text;
}

describe('the log', () => {
  it('is one JSON object a line with time, level and name', () => {
    const text = logged((log) => log.warn({ camera: 'north' }, 'stalled'));
    expect(text.trim().split('\n')).toHaveLength(1);
    const event = JSON.parse(text) as Record<string, unknown>;
    expect(event).toMatchObject({ level: 'warn', name: 'test', camera: 'north', msg: 'stalled' });
    expect(Number.isNaN(Date.parse(String(event['time'])))).toBe(false);
  });

  it('never shows the value of a key that names a secret, wherever it lies', () => {
    const secrets = {
      password: 'hunter2',
      mqtt: { token: 'hunter2', tls: { key: 'hunter2' } },
      camera: { secret: 'hunter2' },
    };
    const text = logged((log) => log.info(secrets, 'configured'));
    expect(text).not.toContain('hunter2');
    expect(text).toContain('***');
  });
});

describe('redactUrls', () => {
  it('takes user and password out of every URL of a text', () => {
    const said = "[rtsp @ 0x55] could not open 'rtsp://admin:s3cret@10.0.0.7:554/a', then rtsps://x:y@[::1]/b";
    expect(redactUrls(said)).toBe("[rtsp @ 0x55] could not open 'rtsp://***@10.0.0.7:554/a', then rtsps://***@[::1]/b");
  });

  it('leaves texts without credentials alone', () => {
    const said = 'rtsp://10.0.0.7/a mail me@example.org http://example.org/x@y';
    expect(redactUrls(said)).toBe(said);
  });

  it('leaves no part of a password that may stand in a URL', () => {
    const letter = fc.constantFrom(...'abcXYZ019-._~!$&()*+,;=%:');
    fc.assert(
      fc.property(fc.string({ unit: letter, minLength: 6, maxLength: 20 }), (password) => {
        expect(redactUrls(`open rtsp://user:Q${password}Q@host/path failed`)).not.toContain(`Q${password}Q`);
      }),
    );
  });
});

describe('lines for the journal', () => {
  it('carry the priority of their level in front', () => {
    let text = '';
    const write = (line: string): void => {
      text += line;
    };
    const log = createLog('test', withPriorities({ write }));
    log.level = 'trace';
    for (const level of ['debug', 'info', 'warn', 'error', 'fatal'] as const) log[level](level);
    log.child({ camera: 'north' }).error('child');
    const found = text
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, 3), (JSON.parse(line.slice(3)) as { msg: string }).msg]);
    expect(found).toEqual([
      ['<7>', 'debug'],
      ['<6>', 'info'],
      ['<4>', 'warn'],
      ['<3>', 'error'],
      ['<2>', 'fatal'],
      ['<3>', 'child'],
    ]);
  });
});
