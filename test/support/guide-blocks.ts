import { readPage } from './markdown.ts';

export interface GuideStep {
  /** Heading that the block stands under. */
  readonly heading: string;
  readonly commands: string;
}

/** The shell blocks below a heading of a page, with the subheadings they stand under, in their order. */
export function shellSteps(page: string, below: string): readonly GuideStep[] {
  const steps: GuideStep[] = [];
  let level: number | undefined;
  let heading = '';
  let block: string[] | undefined;
  for (const line of readPage(page).split('\n')) {
    if (block !== undefined) {
      if (line === '```') {
        steps.push({ heading, commands: block.join('\n') });
        block = undefined;
      } else block.push(line);
      continue;
    }
    const [, marks, text] = /^(#+) (.*)$/.exec(line) ?? [];
    if (marks !== undefined && text !== undefined) {
      if (text === below) level = marks.length;
      else if (level !== undefined && marks.length <= level) return steps;
      heading = text;
    } else if (line === '```sh' && level !== undefined) block = [];
  }
  return steps;
}
