import type { CameraReason } from '../types.ts';

/** Why a camera cannot be had, found out by talking to it. */
export class CameraFault extends Error {
  readonly reason: CameraReason;

  constructor(code: CameraReason['code'], message: string) {
    super(message);
    this.reason = { code, message };
  }
}

const NETWORK: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is not known (DNS)',
  EAI_AGAIN: 'no name server answers (DNS)',
  EAI_FAIL: 'the name server failed (DNS)',
  ECONNREFUSED: 'connection refused: nothing listens there',
  ECONNRESET: 'the camera reset the connection',
  EPIPE: 'the camera closed the connection',
  EHOSTUNREACH: 'no route to the camera',
  ENETUNREACH: 'no route to its network',
  ETIMEDOUT: 'the connection timed out',
};

/** What a failed certificate check calls itself; everything else about TLS is a fault of the handshake. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME|CRL|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH/;

/** The words for an error of a socket; `where` is host and port. */
export function faultOf(error: unknown, where: string, tls: boolean): CameraFault {
  if (error instanceof CameraFault) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  const known = NETWORK[code];
  if (known !== undefined) return new CameraFault('CAMERA_LOST', `${where}: ${known}`);
  if (tls && UNTRUSTED.test(code)) {
    return new CameraFault(
      'CAMERA_TLS',
      `${where}: its certificate is not trusted (${code}): name its authority or itself as \`ca\``,
    );
  }
  if (tls) return new CameraFault('CAMERA_TLS', `${where}: no TLS connection: ${message.slice(0, 120)}`);
  return new CameraFault('CAMERA_LOST', `${where}: ${message.slice(0, 120)}`);
}
