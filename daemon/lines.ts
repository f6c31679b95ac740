import { StringDecoder } from 'node:string_decoder';

/**
 * Makes what splits a stream of UTF-8 into lines, without their line feeds; a last one that does not end in a line feed is no line.
 *
 * For a line with every frame: `node:readline` takes longer to split it than the daemon to understand it.
 */
export function lineSplitter(onLine: (line: string) => void): (bytes: Uint8Array) => void {
  const decoder = new StringDecoder('utf8');
  let partial = '';
  return (bytes) => {
    const text = decoder.write(bytes as Buffer);
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      onLine(partial + text.slice(from, end));
      partial = '';
      from = end + 1;
    }
    partial += text.slice(from);
  };
}
