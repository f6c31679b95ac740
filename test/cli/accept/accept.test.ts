import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { makeIdentityKey } from '../../../core/identity/key.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith } from '../../support/requirements.ts';
import { writeSpotPackage, writeSpotVideo } from '../../support/spot-detector.ts';
import { runWayside } from '../../support/wayside.ts';

/** Passed by the spot after 1.5 s: see the tests of `wayside count`. */
const LINE = { id: 'gate', from: [0.1, 0.4375], to: [0.9, 0.4375] };
const passed = { line: 'gate', t: 1.5, class: 'car', direction: 'forward' };

describeWith({ needs: ['ffmpeg'] }, 'wayside accept', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  const accept = (...options: string[]) =>
    runWayside(['accept', '--model', at('spots'), '--key', at('key.pem'), ...options]);
  const handCount = (name: string, crossings: object[], tags: object = {}): Promise<void> =>
    writeFile(at(name), JSON.stringify({ clip: 'spot.mkv', lines: [LINE], crossings, ...tags }));
  beforeAll(async () => {
    await writeSpotPackage(at('spots'));
    await writeSpotVideo(at('spot.mkv'));
    await writeFile(at('key.pem'), makeIdentityKey());
    await handCount('right.counts.json', [passed], { light: 'day', weather: 'clear', window: 'morning' });
    await handCount('again.counts.json', [passed], { window: 'morning' });
    await handCount('missed.counts.json', [passed, { ...passed, t: 4 }]);
    await handCount('rain.counts.json', [passed, { ...passed, t: 4, class: 'bus' }], { weather: 'rain' });
  });

  it('accepts what passes every step that the clips show, says which they do not, and signs it', async () => {
    const out = at('good');
    const clips = [at('right.counts.json'), at('again.counts.json')];
    const { exit, stdout, stderr } = await accept(...clips, '--out', out, '--json');
    expect([exit, stderr]).toEqual([0, '']);
    const verdict = JSON.parse(stdout) as { steps: { name: string; status: string }[] };
    expect(JSON.parse(await readFile(join(out, 'verdict.json'), 'utf8'))).toEqual(verdict);
    expect(verdict).toMatchObject({
      verdict: 'accepted',
      because: expect.stringContaining('not judged') as unknown,
      model: { name: 'spots', digest: expect.stringMatching(/^sha256:/) as unknown },
      conditions: [
        { light: 'day', weather: 'clear', truth: 1, error: 0 },
        { light: null, weather: null, truth: 1, error: 0 },
      ],
      accuracy: { sample: 1, trafficWeighted: 1, scatter: [{ window: 'morning', devices: 2, scatter: 1 }] },
    });
    expect(verdict.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'volume passed',
      'flows not-judged',
      'hourly-volume not-judged',
      'crossings passed',
      'classes passed',
      'night not-judged',
      'rain not-judged',
      'severe-weather not-judged',
    ]);
    const page = await readFile(join(out, 'index.html'), 'utf8');
    expect(page).toContain('<svg');
    expect(page).not.toMatch(/<script|src=|https?:\/\//);
  });

  it('is believed as it was signed, by whom, and with its page, and no otherwise', async () => {
    const out = at('signed');
    await accept(at('right.counts.json'), '--out', out);
    const { publicKey } = generateKeyPairSync('ed25519');
    await writeFile(at('other.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    await promisify(execFile)('openssl', ['pkey', '-in', at('key.pem'), '-pubout', '-out', at('public.pem')]);
    const verify = (...options: string[]) => runWayside(['accept', 'verify', out, ...options]);
    expect(await verify()).toMatchObject({ exit: 0, stderr: expect.stringContaining('without --key') as unknown });
    const { exit, stdout } = await verify('--key', at('public.pem'), '--json');
    expect([exit, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ verdict: 'accepted' })]);
    expect(await verify('--key', at('other.pem'))).toMatchObject({
      exit: 65,
      stderr: expect.stringMatching(/VERDICT_INVALID: .*none of the keys/) as unknown,
    });
    const page = await readFile(join(out, 'index.html'), 'utf8');
    await writeFile(join(out, 'index.html'), page.replace('accepted', 'celebrated'));
    expect(await verify()).toMatchObject({ exit: 65, stderr: expect.stringContaining('not the page') as unknown });
    await rm(join(out, 'index.html'));
    expect(await verify()).toMatchObject({ exit: 0 });
    const text = await readFile(join(out, 'verdict.json'), 'utf8');
    await writeFile(join(out, 'verdict.json'), text.replace('"missed": 0', '"missed": 1'));
    expect(await verify()).toMatchObject({ exit: 65, stderr: expect.stringContaining('VERDICT_INVALID') as unknown });
  });

  it('ends at the first step that fails, with what it missed, and goes on when asked to', async () => {
    const clips = [at('missed.counts.json'), at('rain.counts.json')];
    const { exit, stdout } = await accept(...clips, '--out', at('bad'), '--json');
    expect(exit).toBe(1);
    const verdict = JSON.parse(stdout) as { steps: { status: string }[] };
    expect(verdict).toMatchObject({
      verdict: 'refused',
      clips: [{ name: 'spot.mkv', missedCrossings: [{ line: 'gate', time: 4, class: 'car' }], falseCrossings: [] }],
    });
    expect(verdict.steps.map(({ status }) => status)).toEqual(['failed', ...Array<string>(7).fill('not-reached')]);
    expect(await readFile(join(at('bad'), 'index.html'), 'utf8')).toContain('4.0 s');
    const all = await accept(...clips, '--out', at('bad'), '--all', '--force', '--json');
    const { steps } = JSON.parse(all.stdout) as { steps: object[] };
    expect(steps.at(-2)).toMatchObject({ name: 'rain', status: 'failed', error: 0.5, method: 'wilson' });
    expect(await runWayside(['accept', 'verify', at('bad')])).toMatchObject({ exit: 1 });
  });

  it('refuses what no clip shows where that is required, and what is not certain where that is', async () => {
    const required = await accept(at('right.counts.json'), '--out', at('dry'), '--require', 'rain');
    expect(required).toMatchObject({
      exit: 1,
      stdout: expect.stringContaining('not shown by any clip: Rain') as unknown,
    });
    const certain = await accept(at('right.counts.json'), '--out', at('unsure'), '--certain');
    expect(certain).toMatchObject({ exit: 1, stdout: expect.stringMatching(/failed +volume/) as unknown });
  });

  it('refuses clips, options and keys that cannot be used before anything is counted', async () => {
    await handCount('tag.counts.json', [passed], { weather: 'hail' });
    await handCount('elsewhere.counts.json', [passed], { lines: [{ ...LINE, from: [0.1, 0.9], to: [0.9, 0.9] }] });
    await handCount('away.counts.json', [passed], { clip: '../spot.mkv' });
    await handCount('bare.counts.json', [passed], { lines: undefined });
    await writeFile(at('lines.yaml'), `lines: [${JSON.stringify(LINE)}]\n`);
    const refusals = [
      [accept(at('tag.counts.json')), 65, /HAND_COUNT_INVALID: .*tag\.counts\.json: weather/],
      [accept(at('away.counts.json')), 65, /HAND_COUNT_INVALID: .*beside the hand count/],
      [accept(at('bare.counts.json')), 65, /HAND_COUNT_INVALID: .*draws no lines/],
      [accept(at('elsewhere.counts.json'), '--config', at('lines.yaml')), 65, /line gate is drawn elsewhere/],
      [accept(at('nothing.mp4')), 66, /FILE_NOT_FOUND: .*nothing\.mp4/],
      [accept(at('spots')), 65, /no hand count in this folder/],
      [accept(at('right.counts.json'), '--key', at('lines.yaml')), 78, /IDENTITY_INVALID/],
      [accept(at('right.counts.json'), '--require', 'hail'), 64, /no step is called hail/],
      [accept(at('right.counts.json'), '--out', at('spots')), 64, /OUTPUT_EXISTS/],
      [runWayside(['accept', at('right.counts.json')]), 64, /--model/],
      [runWayside(['accept', 'verify', at('lines.yaml')]), 66, /lines\.yaml\.sig/],
    ] as const;
    for (const [run, exit, message] of refusals) {
      const { exit: got, stderr } = await run;
      expect([got, stderr]).toEqual([exit, expect.stringMatching(message)]);
    }
  });
});
