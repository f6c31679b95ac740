/** An element of a document; names without their prefix. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Of this element alone, entities replaced, trimmed. */
  readonly text: string;
}

interface Open {
  readonly tag: string;
  readonly element: Omit<XmlElement, 'children' | 'text'> & { readonly children: XmlElement[]; text: string };
}

/** A datagram is not longer, and an answer of a camera a tenth of it. */
const MOST_BYTES = 65_507;
const DEEPEST = 32;
const MOST_ELEMENTS = 2000;

const NAME = '[A-Za-z_][\\w.-]*(?::[A-Za-z_][\\w.-]*)?';
const TOKEN = new RegExp(
  [
    '<!--(?:(?!--)[^])*-->',
    '<\\?[^]*?\\?>',
    '<!\\[CDATA\\[(?<cdata>[^]*?)\\]\\]>',
    `</(?<close>${NAME})\\s*>`,
    `<(?<open>${NAME})(?<attributes>(?:\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(?<empty>/?)>`,
    '(?<text>[^<]+)',
  ].join('|'),
  'y',
);
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/**
 * Reads the XML of SOAP: elements and text. There is no DTD, so that an entity is one of the five of XML or a character by number,
 * and nothing is fetched or expanded.
 *
 * @throws {Error} what is too large, too deep, not well formed, or declares anything
 */
export function readXml(bytes: Uint8Array): XmlElement {
  if (bytes.length > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
  const source = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  const open: Open[] = [];
  let root: XmlElement | undefined;
  let elements = 0;
  TOKEN.lastIndex = 0;
  for (let at = 0; at < source.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(source)?.groups;
    if (groups === undefined) throw new Error(`not well formed, or declares something, at character ${at}`);
    const { cdata, close, open: tag, attributes = '', empty, text } = groups;
    const above = open.at(-1)?.element;
    if (tag !== undefined) {
      if (root !== undefined) throw new Error('more than one element at the top');
      if (++elements > MOST_ELEMENTS) throw new Error(`more than ${MOST_ELEMENTS} elements`);
      if (open.length >= DEEPEST) throw new Error(`more than ${DEEPEST} levels`);
      const element = { name: local(tag), attributes: attributesIn(attributes), children: [], text: '' };
      above?.children.push(element);
      if (empty !== '/') open.push({ tag, element });
      else if (above === undefined) root = element;
    } else if (close !== undefined) {
      const ended = open.pop();
      if (ended?.tag !== close) throw new Error(`</${close.slice(0, 40)}> closes nothing that is open`);
      ended.element.text = ended.element.text.trim();
      if (open.length === 0) root = ended.element;
    } else if (above !== undefined) above.text += cdata ?? withoutEntities(text ?? '');
    else if ((cdata ?? text ?? '').trim().replace(/^\uFEFF/, '') !== '')
      throw new Error('text outside of every element');
  }
  if (root === undefined) throw new Error('cut off, or empty');
  return root;
}

const local = (name: string): string => name.replace(/^.*:/, '');

const ATTRIBUTE = new RegExp(`(${NAME})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'g');

const attributesIn = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(ATTRIBUTE)].map(([, name = '', double, single = '']) => [
      local(name),
      withoutEntities(double ?? single),
    ]),
  );

function withoutEntities(text: string): string {
  return text.replace(/&([^;&]{0,10});?/g, (whole, name: string) => {
    const known = ENTITIES[name];
    if (known !== undefined) return known;
    const [, hex, decimal] = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name) ?? [];
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    if (!whole.endsWith(';') || !(code > 0 && code <= 0x10_ffff) || (code >= 0xd800 && code < 0xe000))
      throw new Error('an entity that is none of the five of XML');
    return String.fromCodePoint(code);
  });
}

/** The first element on a path below one; undefined where it is not there. */
export const elementAt = (from: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined =>
  path.reduce((at: XmlElement | undefined, name) => at?.children.find((each) => each.name === name), from);
