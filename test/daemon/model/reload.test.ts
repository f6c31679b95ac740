import { describe, expect, it } from 'vitest';
import type { LoadedConfig } from '../../../daemon/config/load.ts';
import { parseConfig } from '../../../daemon/config/load.ts';
import { sameConnection, sameModel } from '../../../daemon/model/reload.ts';
import type { AdmittedPackage } from '../../../deploy/admit.ts';

const TEXT = `site: s
box: b
mqtt: { url: mqtts://broker, passwordEnv: P }
model: { package: p }
cameras: [{ id: a, url: rtsp://192.0.2.1/ }]
`;
function loaded(text = TEXT, secrets: Partial<LoadedConfig['secrets']> = {}): LoadedConfig {
  const none = { ca: undefined, cert: undefined, key: undefined };
  const base = {
    mqtt: 'one',
    cameras: new Map<string, string>(),
    cameraAuthorities: new Map<string, string>(),
    tls: none,
  };
  return { config: parseConfig(text, 'f'), secrets: { ...base, ...secrets }, folder: '/', digest: 'sha256:0' };
}

describe('sameConnection', () => {
  it('holds when only cameras change', () => {
    expect(sameConnection(loaded(), loaded(TEXT.replace('192.0.2.1', '192.0.2.2')))).toBe(true);
  });

  it.each([
    ['the box', loaded(TEXT.replace('box: b', 'box: c'))],
    ['the broker', loaded(TEXT.replace('broker', 'other'))],
    ['the password behind the same name', loaded(TEXT, { mqtt: 'two' })],
    [
      'a certificate behind the same path',
      loaded(TEXT, { tls: { ca: Buffer.from('x'), cert: undefined, key: undefined } }),
    ],
  ])('does not hold when %s changes', (_what, next) => {
    expect(sameConnection(loaded(), next)).toBe(false);
  });
});

describe('sameModel', () => {
  const running = (digest: string, threads = 1): Parameters<typeof sameModel>[0] => ({
    admitted: { dir: '/p', identity: { name: 'n', version: '1', digest } } as AdmittedPackage,
    config: { package: 'p', threads, provider: 'cpu', memoryLimitMb: 1024, hangSeconds: 10 },
  });
  it('goes by the bytes of the package, not by its path or version', () => {
    expect(sameModel(running('sha256:1'), running('sha256:1'))).toBe(true);
    expect(sameModel(running('sha256:1'), running('sha256:2'))).toBe(false);
  });

  it('sees another way of running it', () => {
    expect(sameModel(running('sha256:1'), running('sha256:1', 2))).toBe(false);
  });
});
