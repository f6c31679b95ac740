import { expect, it } from 'vitest';
import type { Box } from './box.ts';

/** <sys/socket.h> on Linux. */
const FAMILIES = { AF_UNIX: 1, AF_INET: 2, AF_INET6: 10, AF_NETLINK: 16, AF_PACKET: 17, AF_ALG: 38, AF_VSOCK: 40 };
type Family = keyof typeof FAMILIES;
/** SOCK_RAW for AF_PACKET and AF_NETLINK, SOCK_SEQPACKET for AF_ALG, SOCK_STREAM for the others. */
const TYPES: Readonly<Partial<Record<Family, number>>> = { AF_PACKET: 3, AF_NETLINK: 3, AF_ALG: 5 };
/** <asm-generic/errno.h>: what seccomp says of a family that is not in RestrictAddressFamilies=. */
const EAFNOSUPPORT = 97;

/** Prints the error number of each, 0 where it was opened. Perl is part of every Debian. */
const SOCKETS = `
my %families = (${Object.entries(FAMILIES)
  .map(([name, number]) => `${name} => [${number}, ${TYPES[name as Family] ?? 1}]`)
  .join(', ')});
print '{', join(', ', map { my ($family, $type) = @{$families{$_}};
  '"' . $_ . '": ' . (socket(my $socket, $family, $type, 0) ? 0 : $! + 0) } sort keys %families), '}';
`;

/** What the processes of the units can do, tried from inside: with all directives of the unit, and another program in it. */
export function sandbox(box: Box): void {
  /** Runs a line of shell in the sandbox of a unit. @returns what it printed, and its exit status */
  async function inside(unit: string, line: string): Promise<{ code: number; stdout: string }> {
    const { debian } = box();
    const text = await debian.do(`cat /usr/lib/systemd/system/${unit}.service`);
    const [probed, count] = [
      /^(ExecStart=).*$/m,
      /^(?:Type|Restart|RestartSec|WatchdogSec|NotifyAccess|ExecReload)=.*\n/gm,
    ];
    expect(text).toMatch(probed);
    await debian.write(
      '/usr/local/bin/probe',
      `#!/bin/sh\n{ ${line}; } > /run/probe/out 2>&1; echo $? > /run/probe/code\n`,
      0o755,
    );
    const probe = text
      .replace(count, '')
      .replace(probed, '$1/usr/local/bin/probe')
      .replace('[Service]\n', '[Service]\nType=oneshot\nReadWritePaths=/run/probe\n');
    await debian.write('/run/systemd/system/probe.service', probe);
    await debian.do(
      'install -d -m 777 /run/probe && rm -f /run/probe/* && systemctl daemon-reload && systemctl start probe',
    );
    const [code, stdout] = [await debian.do('cat /run/probe/code'), await debian.do('cat /run/probe/out')];
    await debian.do('rm -r /run/probe /run/systemd/system/probe.service && systemctl daemon-reload');
    return { code: Number(code), stdout };
  }

  it('keeps the daemon from writing models, configuration and the system, and lets it read models', async () => {
    const { debian } = box();
    await debian.do(
      'install -d -m 777 /home/someone && echo secret > /home/someone/file && chmod 666 /home/someone/file',
    );
    const refused = [
      'touch /var/lib/wayside-models/x',
      'touch /var/lib/wayside-models/factory/street-grid/x',
      'touch /etc/wayside/x',
      'touch /usr/lib/wayside/x',
      'cat /etc/wayside/secrets/mqtt',
      'cat /home/someone/file',
      'touch /home/someone/file',
      'ls /root',
    ];
    for (const line of refused) expect((await inside('wayside', line)).code, line).not.toBe(0);
    const allowed = [
      'cat /var/lib/wayside-models/factory/street-grid/manifest.json',
      'touch /var/lib/wayside/x && rm /var/lib/wayside/x',
      'test "$(id -un)" = wayside',
    ];
    for (const line of allowed) expect(await inside('wayside', line), line).toMatchObject({ code: 0 });
    await debian.do('rm -r /home/someone');
  });

  it('lets the agent write models, and keeps it from the state and the secrets of the daemon', async () => {
    const allowed = await inside('wayside-agent', 'touch /var/lib/wayside-models/x && rm /var/lib/wayside-models/x');
    expect(allowed).toMatchObject({ code: 0 });
    for (const line of [
      'touch /var/lib/wayside/x',
      'cat /etc/wayside/secrets/mqtt',
      'ls /run/credentials/wayside.service/',
    ])
      expect((await inside('wayside-agent', line)).code, line).not.toBe(0);
  });

  it.each(['wayside', 'wayside-agent'])('lets %s open sockets of its address families alone', async (unit) => {
    const { debian } = box();
    await debian.write('/usr/local/bin/sockets', SOCKETS);
    const opened = async (out: Promise<string>): Promise<Record<Family, number>> => JSON.parse(await out);
    const outside = await opened(debian.do('perl /usr/local/bin/sockets'));
    const within = await opened(inside(unit, 'perl /usr/local/bin/sockets').then(({ stdout }) => stdout));
    const listed = /^RestrictAddressFamilies=(.*)$/m.exec(
      await debian.do(`cat /usr/lib/systemd/system/${unit}.service`),
    )?.[1];
    for (const family of Object.keys(FAMILIES) as Family[]) {
      if (listed?.split(' ').includes(family)) expect(within[family], family).toBe(outside[family]);
      else expect(within[family], family).toBe(EAFNOSUPPORT);
    }
    // That nothing else refuses them: raw packets are open to root here.
    expect(outside).toMatchObject({ AF_UNIX: 0, AF_INET: 0, AF_NETLINK: 0 });
  });
}
