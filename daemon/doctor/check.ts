import type { Box } from './box.ts';

type Severity = 'warning' | 'failure';

/** One way in which a check can find a box broken. Words in braces are filled in where it is found. */
interface Fault {
  /** `failure`: the box does not do its work, or will not after the next start. `warning`: it does, and should be looked after. */
  readonly severity: Severity;
  /** What is so when it is found, for the table of the guide. */
  readonly when: string;
  /** What to do: a command to type where there is one. */
  readonly remedy: string;
}

export interface Finding {
  /** What was looked at, where a check looks at several: a path, a camera, a unit. */
  readonly subject: string | null;
  readonly status: 'ok' | 'skipped' | Severity;
  /** Which fault of the check; null where there is none. */
  readonly fault: string | null;
  /** What was seen; for `skipped`, why nothing was. */
  readonly seen: string;
  readonly remedy: string | null;
}

/** What a check says; each call is one finding. */
export interface Findings<Name extends string> {
  ok(seen: string, subject?: string): void;
  skipped(why: string, subject?: string): void;
  fault(name: Name, seen: string, about?: { readonly subject?: string } & Readonly<Record<string, string>>): void;
}

interface Definition<Name extends string> {
  readonly name: string;
  /** What it looks at, in a few words. */
  readonly title: string;
  readonly faults: Readonly<Record<Name, Fault>>;
  run(box: Box, findings: Findings<Name>): Promise<void> | void;
}

export interface Check {
  readonly name: string;
  readonly title: string;
  readonly faults: Readonly<Record<string, Fault>>;
  run(box: Box): Promise<readonly Finding[]>;
}

const filled = (remedy: string, words: Readonly<Record<string, string>>): string =>
  remedy.replaceAll(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole);

/** A check whose findings name only the faults that it declares. */
export function check<Name extends string>(definition: Definition<Name>): Check {
  const { name, title, faults } = definition;
  return {
    name,
    title,
    faults,
    async run(box) {
      const found: Finding[] = [];
      const add = (finding: Omit<Finding, 'subject'>, subject: string | undefined): void =>
        void found.push({ subject: subject ?? null, ...finding });
      await definition.run(box, {
        ok: (seen, subject) => add({ status: 'ok', fault: null, seen, remedy: null }, subject),
        skipped: (seen, subject) => add({ status: 'skipped', fault: null, seen, remedy: null }, subject),
        fault: (fault, seen, about = {}) => {
          const { severity, remedy } = faults[fault];
          add({ status: severity, fault, seen, remedy: filled(remedy, about) }, about.subject);
        },
      });
      return found;
    },
  };
}
