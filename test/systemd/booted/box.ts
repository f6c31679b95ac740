import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BootedDebian, bareDebian, type Outcome } from '../../../bench/harness/boot/booted-debian.ts';
import { boxDeb } from '../../../scripts/package/build.ts';
import { debOf } from '../../../scripts/package/deb.ts';
import { shellSteps } from '../../support/guide-blocks.ts';
import { Listener } from '../../support/listener.ts';
import { Mosquitto } from '../../support/mosquitto.ts';

const BASE = process.env['WAYSIDE_DEBIAN'] ?? join(tmpdir(), 'wayside-bookworm');

/** Writes five grey frames a second, as a decoder does. */
const DECODER = `#!/usr/lib/wayside/bin/node
const frame = Buffer.concat([Buffer.from('P6 64 48 255\\n'), Buffer.alloc(64 * 48 * 3, 120)]);
setInterval(() => process.stdout.write(frame), 200);
`;

/** What a person does at the prompt; the editor writes what the test put there for it. */
const GUIDE = shellSteps('docs/guide/install.md', 'Install a box').map(({ commands }) => commands);
const EDITOR = '#!/bin/sh\ncat /root/edited.yaml > "$1"\n';
const APT = 'APT::Get::Assume-Yes "true";\nAPT::Install-Recommends "false";\n';

type Unit = 'wayside' | 'wayside-agent';

/** A bare Debian with the package at hand, a broker that it reaches, and someone who listens there. */
export class BootedBox {
  static readonly decoder = '/usr/local/bin/frames';
  readonly folder: string;
  readonly deb: ReturnType<typeof boxDeb>;
  readonly broker: Mosquitto;
  readonly listener: Listener;
  readonly debian: BootedDebian;

  private constructor(parts: Pick<BootedBox, 'folder' | 'deb' | 'broker' | 'listener' | 'debian'>) {
    this.folder = parts.folder;
    this.deb = parts.deb;
    this.broker = parts.broker;
    this.listener = parts.listener;
    this.debian = parts.debian;
  }

  static async start(): Promise<BootedBox> {
    const deb = boxDeb(process.arch === 'arm64' ? 'arm64' : 'amd64', 1_700_000_000);
    const upgraded = { ...deb, fields: { ...deb.fields, Version: `${deb.fields['Version']}+1` } };
    const folder = await mkdtemp(join(tmpdir(), 'wayside-booted-'));
    const broker = await Mosquitto.start(folder);
    const listener = await Listener.start(broker.url);
    const debian = await BootedDebian.start(await bareDebian(BASE), join(folder, 'machine'), { ownDisk: true });
    await debian.write('/root/wayside_1_test.deb', await debOf({ ...deb, level: 0 }));
    await debian.write('/root/upgrade.deb', await debOf({ ...upgraded, level: 0 }));
    await debian.write(BootedBox.decoder, DECODER, 0o755);
    await debian.write('/usr/local/bin/editor', EDITOR, 0o755);
    await debian.write('/etc/apt/apt.conf.d/90test', APT);
    return new BootedBox({ folder, deb, broker, listener, debian });
  }

  async stop(): Promise<void> {
    await this.debian.stop();
    await this.listener.stop();
    await this.broker.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The block of the guide that begins so, word for word. */
  follow(beginning: string): Promise<Outcome> {
    const block = GUIDE.find((commands) => commands.startsWith(beginning));
    if (block === undefined) throw new Error(`the guide has no block that begins with ${beginning}`);
    return this.debian.run(`cd /root && set -e\n${block}`);
  }

  async property(name: string, unit: Unit = 'wayside'): Promise<string> {
    return (await this.debian.do(`systemctl show ${unit} --property=${name} --value`)).trim();
  }

  /** A configuration with one camera. */
  config(rate: number): string {
    return JSON.stringify({
      site: 'test',
      box: 'box',
      mqtt: {
        url: this.broker.url,
        username: 'box',
        passwordFile: '/run/credentials/wayside.service/secrets_mqtt',
      },
      model: { store: '/var/lib/wayside-models', name: 'street-grid' },
      cameras: [{ id: 'north', url: 'rtsp://127.0.0.1:1/', rate, decoder: { command: [BootedBox.decoder, '-'] } }],
    });
  }

  /** Waits for a frame that is analysed from now on. @returns its time, ms of `performance.now()` */
  async analyses(after = performance.now(), within = 60_000): Promise<number> {
    return (await this.listener.next('detections', () => true, { after, within })).at;
  }
}

/** The box of a file of tests: started before them, so that what describes them can be in several files. */
export type Box = () => BootedBox;
