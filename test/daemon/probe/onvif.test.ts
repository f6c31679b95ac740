import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { camerasIn, discoverCameras } from '../../../daemon/probe/onvif/discovery.ts';
import { liesWithin } from '../../../daemon/probe/onvif/subnet.ts';
import { elementAt, readXml } from '../../../daemon/probe/onvif/xml.ts';

const ID = 'urn:uuid:asked';
const NETWORKS = [{ address: '192.0.2.5', cidr: '192.0.2.5/24' }];

const answer = ({ id = ID, services = 'http://192.0.2.7/onvif/device_service', scopes = '' } = {}): string =>
  `<?xml version="1.0"?>\n<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="x"><s:Header><a:RelatesTo>${id}</a:RelatesTo></s:Header>
  <s:Body><d:ProbeMatches xmlns:d="y"><d:ProbeMatch><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>${scopes}</d:Scopes><d:XAddrs>${services}</d:XAddrs></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>`;
const seen = (text: string, from = '192.0.2.7') => camerasIn(Buffer.from(text), ID, from, NETWORKS);

describe('the answer of a camera', () => {
  it('tells its address, services, name and hardware', () => {
    const scopes =
      'onvif://www.onvif.org/type/video onvif://www.onvif.org/name/North%20gate onvif://www.onvif.org/hardware/X%26Y';
    expect(seen(answer({ scopes }))).toEqual([
      {
        address: '192.0.2.7',
        services: ['http://192.0.2.7/onvif/device_service'],
        name: 'North gate',
        hardware: 'X&Y',
        odd: null,
      },
    ]);
  });

  it('is shown and marked where it is from elsewhere, or speaks for somebody else', () => {
    expect(seen(answer(), '198.51.100.9')).toMatchObject([{ odd: expect.stringContaining('198.51.100.9') }]);
    expect(seen(answer({ services: 'http://192.0.2.8/x' }))).toMatchObject([
      { odd: '192.0.2.7 answered for 192.0.2.8' },
    ]);
    expect(seen(answer({ services: 'http://203.0.113.1/x' }))).toMatchObject([
      { odd: expect.stringMatching(/203\.0\.113\.1, outside of the networks/) },
    ]);
    expect(seen(answer({ services: 'http://evil.example/x' }))).toMatchObject([
      { odd: expect.stringContaining('evil.example') },
    ]);
  });

  it.each([
    ['an answer to another question', answer({ id: 'urn:uuid:other' })],
    ['no service', answer({ services: 'file:///etc/passwd ftp://x/ nonsense' })],
    ['an entity that expands', `<!DOCTYPE l [<!ENTITY a "b">]>${answer({ services: '&a;' })}`],
    ['an entity that is fetched', `<?xml version="1.0"?><!DOCTYPE l SYSTEM "http://evil.example/x">${answer()}`],
    ['an entity without a declaration', answer({ services: 'http://192.0.2.7/&lol;' })],
    ['a character that is none', answer({ services: 'http://192.0.2.7/&#x110000;' })],
    ['half of a pair of code units', answer({ services: 'http://192.0.2.7/&#xD800;' })],
    ['one that is cut off', answer().slice(0, -3)],
    ['two at once', `${answer()}${answer()}`],
    ['tags that cross', '<a><b></a></b>'],
    ['1000 levels', `${'<a>'.repeat(1000)}${'</a>'.repeat(1000)}`],
    ['10,000 elements', `<a>${'<b/>'.repeat(10_000)}</a>`],
    ['100,000 bytes', `<a>${'x'.repeat(100_000)}</a>`],
    ['nothing', ''],
  ])('is passed over: %s', (_, text) => {
    expect(seen(text)).toEqual([]);
  });

  it('may be any bytes, without a crash, and quickly', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => seen(Buffer.from(bytes).toString()).length === 0),
    );
    const edited = fc.property(fc.nat(answer().length), fc.string({ maxLength: 4 }), fc.nat(6), (at, text, cut) => {
      seen(answer().slice(0, at) + text + answer().slice(at + cut));
    });
    fc.assert(edited, { numRuns: 500 });
    const started = process.cpuUsage();
    for (const open of ['<a b="', "<a b='x' ", '<!--', '<![CDATA[', '<?', '&', '<a '])
      seen(open.repeat(Math.floor(65_000 / open.length)));
    expect(process.cpuUsage(started).user).toBeLessThan(2e6);
  });

  it('is text with its entities replaced, CDATA as it is', () => {
    const root = readXml(Buffer.from('<r><t>a &lt;&#65;&#x42;&amp;lt;</t><c><![CDATA[<&x;>]]></c><!-- no --></r>'));
    expect(elementAt(root, 't')?.text).toBe('a <AB&lt;');
    expect(elementAt(root, 'c')?.text).toBe('<&x;>');
  });
});

describe('addresses', () => {
  it.each([
    ['192.0.2.255', true],
    ['192.0.3.1', false],
    ['::ffff:192.0.2.1', false],
    ['camera.example', false],
    ['', false],
  ])('%s lies within 192.0.2.5/24: %s', (host, expected) => {
    expect(liesWithin(host, NETWORKS)).toBe(expected);
  });
});

describe('asking the network', () => {
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
  });

  it('gathers each camera that answers once, although it is asked twice, beside what is no answer', async () => {
    const camera = createSocket('udp4').bind(0, '127.0.0.1');
    sockets.push(camera);
    await once(camera, 'listening');
    const asked: string[] = [];
    camera.on('message', (bytes, { port, address }) => {
      asked.push(bytes.toString());
      const root = readXml(bytes);
      const id = elementAt(root, 'Header', 'MessageID')?.text ?? '';
      for (const reply of ['garbage', answer({ id, services: 'http://127.0.0.1/onvif' }), '<a/>'])
        camera.send(reply, port, address);
    });
    const networks = [{ address: '127.0.0.1', cidr: '127.0.0.1/8' }];
    const found = await discoverCameras({ listenMs: 600, networks, group: '127.0.0.1', port: camera.address().port });
    expect(found).toEqual([
      { address: '127.0.0.1', services: ['http://127.0.0.1/onvif'], name: null, hardware: null, odd: null },
    ]);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toContain('NetworkVideoTransmitter');
  });

  it('finds nothing where there is no network, and none that cannot be used', async () => {
    expect(await discoverCameras({ listenMs: 1, networks: [] })).toEqual([]);
    expect(await discoverCameras({ listenMs: 1, networks: NETWORKS })).toEqual([]);
  });
});
