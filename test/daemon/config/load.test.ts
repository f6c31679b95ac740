import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WaysideError } from '../../../core/errors.ts';
import { loadConfig, parseConfig } from '../../../daemon/config/load.ts';

const VALID = `site: ring-road
box: km-12
mqtt:
  url: mqtts://broker.example:8883
  username: km-12
  passwordEnv: MQTT_PASSWORD
model:
  package: package
cameras:
  - id: north
    url: rtsp://192.0.2.7/stream1
    username: viewer
    passwordFile: north.password
    regions:
      - { name: left, box: [0, 0, 0.5, 1] }
`;

function failureOf(text: string): WaysideError {
  try {
    parseConfig(text, 'w.yaml');
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(WaysideError);
    return thrown as WaysideError;
  }
  throw new Error('expected the configuration to be refused');
}

describe('parseConfig', () => {
  it('accepts a configuration and fills in the defaults', () => {
    const config = parseConfig(VALID, 'w.yaml');
    expect(config.cameras[0]).toMatchObject({ rate: 5, topK: 3, stallSeconds: 3 });
    expect(config.telemetry.intervalSeconds).toBe(10);
    expect(config.model.threads).toBe('auto');
  });

  it('takes a polygon in place of a box', () => {
    const polygon = '[[0.1, 0.9], [0.4, 0.2], [0.6, 0.9]]';
    const config = parseConfig(VALID.replace('box: [0, 0, 0.5, 1]', `polygon: ${polygon}`), 'w.yaml');
    expect(config.cameras[0]?.regions).toEqual([{ name: 'left', polygon: JSON.parse(polygon) }]);
  });

  const refused: readonly [name: string, from: string, to: string, message: string, hint?: string][] = [
    [
      'a key with a slip',
      'package: package',
      'pakcage: package',
      'w.yaml:8:3: model: expected one of package, store, name, keys, threads, provider, runtimeLibrary, memoryLimitMb, hangSeconds, found the key `pakcage` (and 1 more)',
      'did you mean `package`?',
    ],
    [
      'a key of a camera with a slip',
      'regions:',
      'region:',
      'w.yaml:14:5: cameras[0]: expected one of id, url, username, passwordFile, passwordEnv, rate, threshold, topK, regions, proposals, lines, zones, movements, calibration, transport, ca, insecure, connectSeconds, maxLagSeconds, stallSeconds, memoryLimitMb, decoder, decode, found the key `region`',
      'did you mean `regions`?',
    ],
    [
      'an id that would change the topic',
      'box: km-12',
      'box: km/12',
      'w.yaml:2:6: box: expected 1 to 64 letters, digits, `-` or `_`, starting with a letter or digit, found "km/12"',
    ],
    [
      'a box outside the image',
      '[0, 0, 0.5, 1]',
      '[0.6, 0, 0.5, 1]',
      'w.yaml:15:23: cameras[0].regions[0].box: expected a box inside the image: x + width <= 1, y + height <= 1, neither empty, found [0.6,0,0.5,1]',
    ],
    [
      'a region that is nowhere',
      ', box: [0, 0, 0.5, 1]',
      '',
      'w.yaml:15:9: cameras[0].regions[0]: expected either `box` or `polygon`, found a map',
    ],
    [
      'a region that is in two places',
      'box: [0, 0, 0.5, 1]',
      'box: [0, 0, 0.5, 1], polygon: [[0, 0], [1, 0], [0, 1]]',
      'w.yaml:15:9: cameras[0].regions[0]: expected either `box` or `polygon`, found a map',
    ],
    [
      'a slip in a key of a region',
      'box: [0, 0, 0.5, 1]',
      'poligon: [[0, 0], [1, 0], [0, 1]]',
      'w.yaml:15:23: cameras[0].regions[0]: expected one of name, box, polygon, proposals, found the key `poligon` (and 1 more)',
      'did you mean `polygon`?',
    ],
    ...(
      [
        ['of two corners', '[[0, 0], [1, 0]]', '', 'at least three corners, found a list'],
        ['that is one list', '[0, 0, 1, 0, 0, 1]', '[0]', 'two shares of the image: [x, y], found 0 (and 5 more)'],
        ['with a corner outside the image', '[[0, 0], [1.2, 0], [0, 1]]', '[1][0]', 'a number from 0 to 1, found 1.2'],
        [
          'whose edges cross',
          '[[0, 0], [1, 1], [1, 0], [0, 1]]',
          '',
          'edges that do not cross or touch each other, as those after corner 1 and corner 3 do, found a list',
        ],
        [
          'that is a line',
          '[[0, 0], [1, 1], [0.5, 0.5]]',
          '',
          'edges that do not cross or touch each other, as those after corner 1 and corner 2 do, found a list',
        ],
        [
          'that was closed by hand',
          '[[0, 0], [1, 0], [0, 1], [0, 0]]',
          '',
          'corners that differ, the last from the first as well: 1 and 4 are one place, found a list',
        ],
        [
          'that is tiny',
          '[[0.5, 0.5], [0.505, 0.5], [0.5, 0.6]]',
          '',
          'a polygon at least a hundredth of the image wide and high, found a list',
        ],
        [
          'that is a thread',
          '[[0, 0], [1, 0.99], [1, 1]]',
          '',
          'a polygon that fills at least a fiftieth of the box around it, found a list',
        ],
      ] as const
    ).map(([what, polygon, where, message]): [string, string, string, string] => [
      `a polygon ${what}`,
      'box: [0, 0, 0.5, 1]',
      `polygon: ${polygon}`,
      `w.yaml:15:${where === '' ? 23 : where === '[0]' ? 33 : 42}: cameras[0].regions[0].polygon${where}: expected ${message}`,
    ]),
    ...(
      [
        ['of two corners', '[[0, 0], [1, 0]]', 'polygon: expected at least three corners, found a list', 25],
        [
          'with a corner outside the image',
          '[[0, 0], [1.2, 0], [0, 1]]',
          'polygon[1][0]: expected a number from 0 to 1, found 1.2',
          44,
        ],
        [
          'whose edges cross',
          '[[0, 0], [1, 1], [1, 0], [0, 1]]',
          'polygon: expected the corners in order around the zone: the edges after corner 1 and corner 3 cross, found a list',
          25,
        ],
        [
          'that is a line',
          '[[0, 0], [1, 1], [0.5, 0.5]]',
          'polygon: expected corners that do not all lie on one line: nobody would ever be in it, found a list',
          25,
        ],
      ] as const
    ).map(([what, polygon, message, column]): [string, string, string, string] => [
      `a zone ${what}`,
      'regions:',
      `zones: [{ id: kerb, polygon: ${polygon} }]\n    regions:`,
      `w.yaml:14:${column}: cameras[0].zones[0].${message}`,
    ]),
    [
      'lanes over each other',
      'regions:',
      'lines: [{ id: stop, from: [0, 0.5], to: [1, 0.5], lanes: [{ id: b, from: 0.4, to: 1 }, { id: a, from: 0, to: 0.5 }] }]\n    regions:',
      'w.yaml:14:55: cameras[0].lines[0].lanes: expected lanes beside each other: none begins before another ends, found a list',
    ],
    [
      'motion that is asked for everywhere and in a region',
      'regions:\n      - { name: left,',
      'proposals: motion\n    regions:\n      - { name: left, proposals: motion,',
      'w.yaml:14:16: cameras[0].proposals: expected it once: for all of the image here, or for some of its regions, found "motion"',
    ],
    [
      'a wrong type',
      'regions:',
      'rate: fast\n    regions:',
      'w.yaml:14:11: cameras[0].rate: expected a number from 0.05 to 60, found "fast"',
    ],
    [
      'a package beside a store',
      'package: package',
      'package: package\n  store: /var/lib/wayside-models\n  name: vehicles',
      'w.yaml:7:1: model: expected either `package`, or `store` and `name`, not both, found a map',
    ],
    [
      'a store without the name of a model in it',
      'package: package',
      'store: /var/lib/wayside-models',
      'w.yaml:7:1: model: expected `package`, or `store` and `name`, found a map',
    ],
    [
      'a model without a place',
      'package: package',
      'threads: 1',
      'w.yaml:7:1: model: expected `package`, or `store` and `name`, found a map',
    ],
    [
      'an agent beside a package that was named by hand',
      'cameras:',
      'agent: { socket: /run/wayside-agent/agent.sock }\ncameras:',
      'w.yaml:9:1: agent: expected `model.store` and `model.name` beside `agent`: it brings models to a store, found a map',
    ],
    ['a missing part', 'model:\n  package: package\n', '', 'w.yaml:1:1: model: expected a map of keys, found nothing'],
    [
      'a wrong protocol',
      'mqtts://broker.example:8883',
      'http://broker',
      'w.yaml:4:8: mqtt.url: expected an address like mqtt://host, found "http://broker"',
    ],
    [
      'two places of a password',
      'passwordEnv: MQTT_PASSWORD',
      'passwordEnv: A\n  passwordFile: b',
      'w.yaml:3:1: mqtt: expected at most one of `passwordFile` and `passwordEnv`, found a map',
    ],
  ];
  it.each(refused)('refuses %s', (_name, from, to, message, hint) => {
    expect(VALID).toContain(from);
    const error = failureOf(VALID.replace(from, to));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toBe(message);
    expect(error.hint).toBe(hint);
  });

  it('points at broken YAML without quoting the line', () => {
    const error = failureOf('site: a\nmqtt: { password: hunter2\nbox: b\n');
    expect(error.message).toMatch(/^w\.yaml:\d+:\d+: not YAML: /);
    expect(error.message).not.toContain('hunter2');
  });

  it('never repeats a password, wherever it was written', () => {
    const places = [
      VALID.replace('rtsp://192', 'rtsp://viewer:hunter2@192'),
      VALID.replace('mqtts://broker', 'mqtts://km:hunter2@broker'),
      VALID.replace('passwordEnv: MQTT_PASSWORD', 'password: hunter2'),
      VALID.replace('passwordEnv: MQTT_PASSWORD', 'passwordEnv: [hunter2]'),
      VALID.replace('passwordEnv: MQTT_PASSWORD', 'passwordEnv: "hunter2 "'),
    ];
    for (const text of places) {
      const error = failureOf(text);
      expect(error.message).toMatch(/^w\.yaml:\d+:\d+: /);
      expect(`${error.message} ${error.hint}`).not.toContain('hunter2');
    }
  });

  it('refuses any text with a coded error, or accepts it', () => {
    const words = fc.constantFrom(
      'site',
      'box',
      ':',
      '\n',
      '  ',
      '- ',
      'mqtt',
      '{',
      '}',
      '[',
      '&a ',
      '*a',
      '"',
      'null',
      '1e9',
      '!!js ',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 40 }), (parts) => {
        expect(failureOf(parts.join('')).code).toBe('CONFIG_INVALID');
      }),
    );
  });
});

describe('loadConfig', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-config-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('reads secrets beside the configuration and keeps them apart from it', async () => {
    await writeFile(join(folder, 'w.yaml'), VALID);
    await writeFile(join(folder, 'north.password'), 'hunter2\n');
    const loaded = await loadConfig(join(folder, 'w.yaml'), { MQTT_PASSWORD: 's3cret' });
    expect(loaded.secrets.mqtt).toBe('s3cret');
    expect(loaded.secrets.cameras.get('north')).toBe('hunter2');
    expect(JSON.stringify(loaded.config)).not.toMatch(/hunter2|s3cret/);
  });

  it('says which secret cannot be read', async () => {
    await writeFile(join(folder, 'w.yaml'), VALID);
    await expect(loadConfig(join(folder, 'w.yaml'), { MQTT_PASSWORD: 'x' })).rejects.toMatchObject({
      code: 'SECRET_UNREADABLE',
      message: expect.stringContaining('cameras[0].passwordFile: cannot read'),
    });
    await writeFile(join(folder, 'north.password'), 'hunter2');
    await expect(loadConfig(join(folder, 'w.yaml'), {})).rejects.toMatchObject({
      code: 'SECRET_UNREADABLE',
      message: expect.stringContaining('MQTT_PASSWORD'),
    });
  });

  it('says when there is no file', async () => {
    await expect(loadConfig(join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});
