import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { WaysideError } from '../../core/errors.ts';
import type { Line } from '../../daemon/vision/line-counter.ts';
import type { Box } from '../../inference/image.ts';
import type { Polygon } from '../../inference/polygon.ts';

export const SITE = 'demo';
export const CAMERA = 'street';

/** Classified by itself. */
export type DrawnRegion = { readonly name: string } & ({ readonly box: Box } | { readonly polygon: Polygon });

interface Parts {
  readonly box: string;
  readonly camera: string;
  readonly broker: string;
  readonly package: string;
  readonly rate: number;
  readonly regions: readonly DrawnRegion[];
  /** Where a detector counts. */
  readonly lines: readonly Line[];
  /** The camera shows the rendered street. */
  readonly rendered: boolean;
  /** Of what is told; absent: the model's own. */
  readonly threshold: number | undefined;
  /** Another decoder than the system's ffmpeg. */
  readonly decoder: string | undefined;
}

interface Configuration {
  readonly path: string;
  /** Passwords, for the daemon's environment alone: neither file nor arguments hold them. */
  readonly environment: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

interface Address {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** Takes user and password out of an address. @throws {WaysideError} USAGE */
export function splitAddress(text: string, protocols: readonly string[], option: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !protocols.includes(url.protocol) || url.hostname === '') {
    throw new WaysideError('USAGE', { message: `${option} expects an address like ${protocols[0]}//host` });
  }
  const username = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  url.username = '';
  url.password = '';
  return { url: url.href, username, password };
}

/** Writes the configuration that the daemon of the demonstration reads, in a folder of its own. */
export async function writeConfiguration(parts: Parts): Promise<Configuration> {
  const environment: Record<string, string> = {};
  const secretsOf = ({ username, password }: Address, variable: string) => {
    if (password !== '') environment[variable] = password;
    return { ...(username !== '' && { username }), ...(password !== '' && { passwordEnv: variable }) };
  };
  const camera = splitAddress(parts.camera, ['rtsp:', 'rtsps:'], '--camera');
  const broker = splitAddress(parts.broker, ['mqtt:', 'mqtts:'], '--broker');
  const folder = await mkdtemp(join(tmpdir(), 'wayside-demo-'));
  const text = stringify({
    site: SITE,
    box: parts.box,
    mqtt: { url: broker.url, ...secretsOf(broker, 'WAYSIDE_DEMO_BROKER_PASSWORD') },
    model: { package: resolve(parts.package) },
    cameras: [
      {
        id: CAMERA,
        url: camera.url,
        ...secretsOf(camera, 'WAYSIDE_DEMO_CAMERA_PASSWORD'),
        rate: parts.rate,
        ...(parts.threshold !== undefined && { threshold: parts.threshold }),
        topK: 3,
        ...(parts.regions.length > 0 && { regions: parts.regions }),
        ...(parts.lines.length > 0 && {
          lines: parts.lines.map(({ id, from, to }) => ({ id, from: [...from], to: [...to] })),
        }),
        ...(parts.decoder !== undefined && { decoder: { command: [parts.decoder] } }),
      },
    ],
    journal: { folder: join(folder, 'journal') },
    demonstration: parts.rendered,
    telemetry: { intervalSeconds: 1 },
    log: { level: 'warn' },
  });
  const path = join(folder, 'wayside.yaml');
  await writeFile(path, text, { mode: 0o600 });
  return { path, environment, remove: () => rm(folder, { recursive: true, force: true }) };
}
