import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, checkServerIdentity, type PeerCertificate, rootCertificates } from 'node:tls';

/** Whom a camera's certificate is checked against. */
export interface Trust {
  /** PEM; the system's authorities without it. */
  readonly ca?: string | undefined;
  /** Any certificate will do: whoever is on the way can read the password and show another street. */
  readonly insecure?: boolean | undefined;
}

/** Debian and Alpine, Red Hat, SUSE. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
] as const;

/** What `update-ca-certificates` made, an operator's own authority included; Node's own list where there is none. */
function systemAuthorities(): readonly string[] {
  for (const path of [process.env['SSL_CERT_FILE'], ...BUNDLES]) {
    try {
      if (path !== undefined) return [readFileSync(path, 'utf8')];
    } catch {
      // the next one
    }
  }
  return rootCertificates;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Options of a TLS connection to a camera; a certificate that stands in `ca` itself is trusted whatever name it bears. */
export function trustOptions({ ca, insecure }: Trust): ConnectionOptions {
  if (insecure === true) return { rejectUnauthorized: false };
  const pinned = new Set((ca?.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem).fingerprint256));
  return {
    rejectUnauthorized: true,
    ca: ca ?? [...systemAuthorities()],
    allowPartialTrustChain: ca !== undefined, // a certificate that its authority signed is enough by itself
    checkServerIdentity: (host: string, certificate: PeerCertificate) =>
      pinned.has(certificate.fingerprint256) ? undefined : checkServerIdentity(host, certificate),
  };
}
