import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { asWaysideError } from '../../../core/errors.ts';
import type { Box } from '../box.ts';
import { check, type Findings } from '../check.ts';
import { namedFile } from '../secrets.ts';

type Names =
  | 'unresolved'
  | 'certificate'
  | 'certificate-expires'
  | 'unreachable'
  | 'credentials'
  | 'write-refused'
  | 'read-refused';

const DAY_MS = 86_400_000;
const SOON_DAYS = 30;

export const broker = check({
  name: 'broker',
  title: 'MQTT broker: address, certificate, user, a message sent and read back',
  faults: {
    unresolved: {
      severity: 'failure',
      when: 'the name of the broker is not known',
      remedy: '`getent hosts {host}`; the name server of the box: `resolvectl status`, or /etc/resolv.conf',
    },
    certificate: {
      severity: 'failure',
      when: 'its certificate is expired, not valid yet, of another name, or of an authority that is not trusted',
      remedy:
        'expired: renew it on the broker; not trusted: its authority as `mqtt.ca` in {path}; not valid yet: see `clock`',
    },
    'certificate-expires': {
      severity: 'warning',
      when: 'its certificate expires within 30 days',
      remedy: 'renew it on the broker before {date}: afterwards no box can connect',
    },
    unreachable: {
      severity: 'failure',
      when: 'nothing answers there, or it ends the connection',
      remedy: '`nc -vz {host} {port}` from this box; firewall and port of `mqtt.url` in {path}',
    },
    credentials: {
      severity: 'failure',
      when: 'it denies the user or the password',
      remedy: '`mqtt.username` in {path} and the password behind `mqtt.passwordFile`, then `systemctl restart {unit}`',
    },
    'write-refused': {
      severity: 'failure',
      when: 'its access list does not let the box write its own topics: whatever is seen is thrown away',
      remedy: 'on the broker, let user {user} write {root}/#: see /usr/share/doc/wayside/guide/control-centre.md',
    },
    'read-refused': {
      severity: 'warning',
      when: 'its access list does not let the box read its own topics: a second box of the same name goes unnoticed',
      remedy: 'on the broker, let user {user} read {root}/#',
    },
  },
  async run(box, findings) {
    if (box.daemon.config === undefined) return findings.skipped('the configuration cannot be read');
    await look(box, 'daemon', findings);
    if (box.agent.config !== undefined) await look(box, 'agent', findings);
  },
});

async function look(box: Box, as: 'daemon' | 'agent', findings: Findings<Names>): Promise<void> {
  const { path, folder } = box[as];
  const config = as === 'daemon' ? box.daemon.config : box.agent.config;
  if (config === undefined) return;
  const { mqtt, site, box: name } = config;
  const url = new URL(mqtt.url);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const secure = url.protocol === 'mqtts:';
  const about = {
    subject: as,
    path,
    host,
    port: url.port || (secure ? '8883' : '1883'),
    user: mqtt.username ?? 'anonymous',
    unit: as === 'daemon' ? 'wayside' : 'wayside-agent',
    root: `wayside/v1/${site}/${name}`,
  };
  if (isIP(host) === 0 && (await lookup(host).catch(() => undefined)) === undefined)
    return findings.fault('unresolved', `${host}: no such name`, about);
  box.signal.throwIfAborted();
  if (secure && (await certificate(box, url, mqtt.ca, folder, findings, about))) return;
  try {
    const seen = await box.measures.broker({ config, folder }, as);
    // The agent writes its reports alone: that it may not write here says nothing.
    if (as === 'agent') return findings.ok(`MQTT ${seen.protocol}, connected`, as);
    if (seen.refusal !== null) return findings.fault('write-refused', `${seen.topic}: ${seen.refusal}`, about);
    if (!seen.readable) return findings.fault('read-refused', `${seen.topic}: not granted`, about);
    // MQTT 5 says what is refused; MQTT 3.1.1 confirms what it throws away, so that what may be read and does not come was not written.
    if (!seen.came) {
      const written = seen.protocol === '5.0';
      return findings.fault(
        written ? 'read-refused' : 'write-refused',
        `${seen.topic}: confirmed, and not delivered`,
        about,
      );
    }
    findings.ok(`MQTT ${seen.protocol}, sent and read back within ${(seen.roundTripMs ?? 0).toFixed(0)} ms`, as);
  } catch (thrown) {
    box.signal.throwIfAborted();
    const { message, hint } = asWaysideError(thrown);
    const denied = hint !== undefined || /not authori[sz]ed|bad user name/i.test(message);
    findings.fault(denied ? 'credentials' : 'unreachable', message, about);
  }
}

/** @returns whether it keeps the box from connecting */
async function certificate(
  { measures, now, signal }: Box,
  url: URL,
  ca: string | undefined,
  folder: string,
  { fault, ok }: Findings<Names>,
  about: Readonly<Record<string, string>> & { readonly subject: string },
): Promise<boolean> {
  const facts = await measures.certificate(url, await namedFile(ca, folder)).catch(() => undefined);
  signal.throwIfAborted();
  if (facts === undefined) return false; // no TLS there: the connection itself says why
  const until = new Date(facts.validTo).toISOString().slice(0, 10);
  const seen = `${facts.subject}, valid until ${until}`;
  if (facts.untrusted !== null || now > facts.validTo || now < facts.validFrom) {
    fault('certificate', `${seen}${facts.untrusted === null ? '' : `: ${facts.untrusted}`}`, about);
    return true;
  }
  if (facts.validTo - now < SOON_DAYS * DAY_MS) fault('certificate-expires', seen, { ...about, date: until });
  else ok(seen, `${about.subject}, certificate`);
  return false;
}
