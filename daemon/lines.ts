import type { Readable } from 'node:stream';

/**
 * Calls `onLine` for each line of a stream of UTF-8, without its line feed; a last one that does not end in a line feed is no line.
 *
 * For a line with every frame: `node:readline` takes longer to split it than the daemon to understand it.
 */
export function onLines(stream: Readable, onLine: (line: string) => void): void {
  let partial = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      onLine(partial + text.slice(from, end));
      partial = '';
      from = end + 1;
    }
    partial += text.slice(from);
  });
}
