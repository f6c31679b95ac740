import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { runChild } from './process/child.ts';
import { findProgram, type Workplace } from './workplace.ts';

/** A general packer at its strongest level that is in use: bytes of a file once packed. */
interface GeneralPacker {
  readonly name: string;
  packed(path: string, bytes: Uint8Array): Promise<number>;
}

const brotli = (bytes: Uint8Array): number =>
  zlib.brotliCompressSync(bytes, {
    params: {
      [zlib.constants.BROTLI_PARAM_QUALITY]: zlib.constants.BROTLI_MAX_QUALITY,
      [zlib.constants.BROTLI_PARAM_LGWIN]: zlib.constants.BROTLI_MAX_WINDOW_BITS,
    },
  }).length;

/** gzip and brotli out of Node; zstd where its program is installed, for Node 20 has none. */
export async function generalPackers({ scratch, signal }: Workplace): Promise<GeneralPacker[]> {
  const zstd = await findProgram('zstd');
  return [
    { name: 'gzip -9', packed: async (_path, bytes) => zlib.gzipSync(bytes, { level: 9 }).length },
    { name: 'brotli -q 11', packed: async (_path, bytes) => brotli(bytes) },
    ...(zstd === undefined
      ? []
      : [
          {
            name: 'zstd -19',
            packed: async (path: string) => {
              const out = join(scratch, 'packed.zst');
              await runChild(zstd, ['-19', '-q', '-f', path, '-o', out], { signal });
              return (await stat(out)).size;
            },
          },
        ]),
  ];
}
