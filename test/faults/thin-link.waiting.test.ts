import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { whyNoModem } from '../../bench/harness/site/modem.ts';
import { ThinLink } from '../../bench/harness/site/thin-link.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { describeWith } from '../support/requirements.ts';

const lacking = await whyNoModem();
const modem = { name: 'a modem', met: lacking === undefined, hint: `${lacking}` };

for (const tls of [false, true]) {
  describeWith({ needs: ['mosquitto', 'openssl', modem] }, `a link that fails, ${tls ? 'TLS' : 'TCP'}`, () => {
    let folder: string;
    let link: ThinLink;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'wayside-thin-'));
      link = await ThinLink.start(folder, { model: join(PACKAGE_ROOT, 'demo', 'package'), tls });
    });
    afterAll(async () => {
      await link.close();
      await rm(folder, { recursive: true });
    });

    const online = (): Promise<void> =>
      link.site.listener.untilNow('state', ({ message }) => message.state === 'online', {
        timeoutMs: 10_000,
        what: 'the box to be online',
      });

    it('delivers nothing late and counts what it drops when it is dead for 20 s', async () => {
      const { tooOld, counted, missing, resets } = await link.trial(async (modem) => {
        await modem.die();
        await delay(20_000); // the length of the outage is what is being tried
        await modem.revive();
      });
      expect(tooOld).toBe(0);
      expect(missing).toBeGreaterThan(150);
      expect(counted).toBeGreaterThanOrEqual(missing);
      expect(counted - missing).toBeLessThanOrEqual(10); // cut off and arrived nevertheless
      expect(resets).toBeGreaterThanOrEqual(1);
      await online();
    });

    it('delivers what fits, nothing late, and counts the rest at 16 kbit/s', async () => {
      const { tooOld, counted, missing, delivered } = await link.trial(async (modem) => {
        await modem.thin(16_000, 120_000);
        await delay(20_000);
        await modem.wide();
      });
      expect(tooOld).toBe(0);
      expect(delivered).toBeGreaterThan(20);
      expect(missing).toBeGreaterThan(50);
      expect(counted).toBeGreaterThanOrEqual(missing);
      expect(counted - missing).toBeLessThanOrEqual(10);
      await online();
    });
  });
}
