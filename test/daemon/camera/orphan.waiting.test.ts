import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { compiledModule } from '../../../core/layout.ts';
import { rawFrameSource } from '../../../demo/rtsp/raw-frame-source.ts';
import { startRtspServer } from '../../../demo/rtsp/server.ts';
import { colourBars } from '../../support/colour-bars.ts';
import { childrenOf, isRunning } from '../../support/processes.ts';
import { describeWith } from '../../support/requirements.ts';

const PARENT = `
const { startCamera } = await import(${JSON.stringify(pathToFileURL(compiledModule('daemon/camera/camera')).href)});
startCamera({ id: 'a', url: process.argv[1], rate: 0, workingSize: 'native' }, { onFrame: () => console.log('frame') });
`;

describeWith({ needs: ['ffmpeg', 'setpriv'] }, 'a decoder whose parent was killed', () => {
  it.each(['streaming', 'mute'] as const)('dies with it, also while its camera is %s', async (condition) => {
    const source = rawFrameSource({ width: 320, height: 240, fps: 25, render: (index) => colourBars(320, 240, index) });
    const server = await startRtspServer({ source });
    onTestFinished(() => server.close());
    const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT, server.url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    const [decoder] = await childrenOf(parent.pid!);
    expect(decoder?.command).toContain('concat');
    if (condition === 'mute') server.faults.mute();
    const from = performance.now();
    parent.kill('SIGKILL');
    await vi.waitUntil(async () => !(await isRunning(decoder!.pid)), { timeout: 5000, interval: 5 });
    console.log(`  decoder gone ${(performance.now() - from).toFixed(0)} ms after its parent`);
  });
});
