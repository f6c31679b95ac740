import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryGroup, memoryGroups } from '../support/memory-group.ts';
import { describeWith } from '../support/requirements.ts';
import { northCamera, Rig, tookLine } from '../support/rig.ts';

/** Shows a grey image 25 times a second and keeps 16 MB more with each. */
const GROWING = `
const kept = [];
const image = Buffer.concat([Buffer.from('P6\\n64 36\\n255\\n'), Buffer.alloc(64 * 36 * 3, 128)]);
setInterval(() => {
  kept.push(Buffer.alloc(16 << 20, 1));
  process.stdout.write(image);
}, 40);
`;
const LIMIT_BYTES = 400 << 20;

describeWith({ needs: ['ffmpeg', 'mosquitto', memoryGroups] }, 'a box that has no memory left', () => {
  let rig: Rig;
  let group: MemoryGroup;
  beforeAll(async () => {
    rig = await Rig.start();
    await rig.working();
    group = new MemoryGroup(LIMIT_BYTES);
    group.add(rig.daemon.pid, ...rig.daemon.below());
  });
  afterAll(async () => {
    await rig.stop();
    await group.remove();
  });

  it('loses the child that took it, to the kernel, and not the supervisor, which says so and goes on', async () => {
    const inference = rig.daemon.inferencePids();
    const script = join(rig.folder, 'growing.mjs');
    await writeFile(script, GROWING);
    const from = performance.now();
    const decoder = { command: [process.execPath, script] };
    // Its own budget is beyond what there is: nobody but the kernel steps in.
    await rig.reconfigure({ cameras: [{ ...northCamera(rig.camera.url), memoryLimitMb: 65_536, decoder }] });
    const killed = ({ reason }: { reason: { message: string } | null }): boolean =>
      reason?.message.includes('was killed') === true;
    const { message, at } = await rig.listener.next('camera-status', killed, { after: from });
    expect(message).toMatchObject({ state: 'connecting', reason: { code: 'CAMERA_LOST' } });
    expect(group.kills).toBeGreaterThan(0);
    expect(rig.daemon.child.exitCode ?? rig.daemon.child.signalCode, 'the supervisor is gone').toBeNull();
    expect(rig.daemon.inferencePids(), 'the one that grew has most').toEqual(inference);

    await rig.reconfigure({});
    tookLine('killed for memory: detections again after', at, await rig.working(at));
  });
});
