import { connect, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { messageOf, WaysideError } from '../../core/errors.ts';

export interface CertificateFacts {
  readonly subject: string;
  /** ms since the epoch. */
  readonly validFrom: number;
  readonly validTo: number;
  /** Why it is not trusted; null where it is. */
  readonly untrusted: string | null;
}

export interface CertificateQuestion {
  readonly host: string;
  readonly port: number;
  readonly ca?: Uint8Array | undefined;
}

const TIMEOUT_MS = 10_000;

/** The certificate that a server shows, trusted or not. @throws {WaysideError} BROKER_UNAVAILABLE where it shows none */
export async function probeCertificate({ host, port, ca }: CertificateQuestion): Promise<CertificateFacts> {
  const socket = connect({ host, port });
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer in time')));
  try {
    return await new Promise<CertificateFacts>((resolve, reject) => {
      socket.on('error', reject);
      socket.once('connect', () => {
        // What is not trusted is looked at all the same, and nothing is sent to it.
        const tls = connectTls({
          socket,
          host,
          rejectUnauthorized: false,
          ...(isIP(host) === 0 ? { servername: host } : {}),
          ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
        });
        tls.on('error', reject);
        tls.once('secureConnect', () => {
          const { subject, valid_from, valid_to } = tls.getPeerCertificate();
          resolve({
            subject: String(subject.CN ?? host),
            validFrom: Date.parse(valid_from),
            validTo: Date.parse(valid_to),
            untrusted: tls.authorized ? null : String(tls.authorizationError),
          });
        });
      });
    });
  } catch (cause) {
    throw new WaysideError('BROKER_UNAVAILABLE', { message: `${host}:${port}: no TLS: ${messageOf(cause)}`, cause });
  } finally {
    socket.destroy();
  }
}
