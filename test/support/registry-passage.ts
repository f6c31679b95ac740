import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** A proxy through which one host is reached and nobody else, and that says who was asked for. */
export interface RegistryPassage extends AsyncDisposable {
  readonly url: string;
  /** Hosts, refused ones among them. */
  readonly asked: ReadonlySet<string>;
  /** What makes npm, and the install scripts of packages, use it. */
  readonly environment: Readonly<Record<string, string>>;
}

/** @param through host that is reached */
export async function registryPassage(through: string): Promise<RegistryPassage> {
  const asked = new Set<string>();
  const tunnels = new Set<Duplex>();
  const server = createServer((request, response) => {
    asked.add(new URL(request.url ?? '', 'http://none').hostname);
    response.writeHead(403).end();
  });
  server.on('connect', ({ url = '' }, client) => {
    const { hostname, port } = new URL(`http://${url}`);
    asked.add(hostname);
    tunnels.add(client);
    if (hostname !== through) return void client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const far = connect(Number(port === '' ? 443 : port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.pipe(client).pipe(far);
    });
    for (const [one, other] of [
      [far, client],
      [client, far],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const names = [
    'http_proxy',
    'https_proxy',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'npm_config_proxy',
    'npm_config_https_proxy',
  ];
  const forScripts = ['GLOBAL_AGENT_HTTP_PROXY', 'GLOBAL_AGENT_HTTPS_PROXY'];
  return {
    url,
    asked,
    environment: {
      ...Object.fromEntries([...names, ...forScripts].map((name) => [name, url])),
      no_proxy: '',
      NO_PROXY: '',
      npm_config_noproxy: '',
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections(); // tunnels are none of its own any more
      for (const tunnel of tunnels) tunnel.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
