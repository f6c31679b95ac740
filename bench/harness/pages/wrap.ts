/** Characters of a line of prose in the documents. */
const MOST = 120;

/** What may begin a line: Markdown would take `-`, `>`, `#`, `|` or `2.` there for more than a word. */
const MAY_BEGIN = /^(?!\d+[.)]$)[\w`"'(]/;

/** A paragraph as lines of at most 120 characters where it has places to break at; those after the first are indented. */
export function wrapped(paragraph: string, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of paragraph.split(' ')) {
    if (line.length + 1 + word.length > MOST && MAY_BEGIN.test(word)) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}
