import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair } from 'yaml';

interface Position {
  readonly line: number;
  readonly column: number;
}

type Path = readonly PropertyKey[];

/**
 * Finds where in a YAML text a value stands. A value that is missing is reported at the nearest thing above it that
 * was written, which is where the reader has to add it.
 *
 * @param key an unknown key inside the map at `path`: its own position is wanted
 */
export function positionOf(document: Document, lines: LineCounter, path: Path, key?: string): Position {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of key === undefined ? path : [...path, key]) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find((item) => isScalar(item.key) && item.key.value === step);
      if (pair === undefined) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      offset = startOf(node) ?? offset;
    } else break;
  }
  // A scalar is pointed at itself, a map or list at the key that holds it.
  if (key === undefined && isScalar(node)) offset = startOf(node) ?? offset;
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

/** `cameras[1].regions[0].box`, the way a person names it; the top of the file is `configuration`. */
export function pathText(path: Path): string {
  const text = path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
  return text === '' ? 'configuration' : text;
}
