import { MANIFEST, type ModelPackage } from '../../inference/read-package.ts';

const hex = (digest: string): string => digest.slice('sha256:'.length);

/** SHA-256 of every file that a signature covers, by name: read from the manifest, whose digests were verified on opening. */
export const signedFiles = ({ manifest, digest }: ModelPackage): Map<string, string> =>
  new Map([
    [MANIFEST, hex(digest)],
    ...Object.entries(manifest.files).map(([name, file]) => [name, hex(file.digest)] as const),
  ]);
