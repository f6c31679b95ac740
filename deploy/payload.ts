import './tuf-models.ts';
import { Metadata, type Root, Signature, type Snapshot, type Targets, type Timestamp } from '@tufjs/models';

/** The canonical bytes that signatures of a TUF document are made of. */
export function payloadOf({ signed }: { readonly signed: Root | Snapshot | Targets | Timestamp }): Buffer {
  let payload: Buffer = Buffer.alloc(0);
  // The models hand them to a signer and give them out no other way.
  new Metadata(signed).sign((bytes) => {
    payload = bytes;
    return new Signature({ keyID: '', sig: '' });
  });
  return payload;
}
