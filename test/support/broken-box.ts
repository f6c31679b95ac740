import { expect, it } from 'vitest';
import type { Check } from '../../daemon/doctor/check.ts';
import { type DoctorOptions, examineBox } from '../../daemon/doctor/doctor.ts';
import { answer, type ProbeAnswers, type ProbeQuestions } from '../../daemon/probe/process.ts';
import type { BoxRoot } from './box-root.ts';

/** One fault of one check, and how a box comes to have it. */
export interface BrokenCase {
  readonly check: Check;
  readonly fault: string;
  /** What has to stand in the remedy. */
  readonly remedy: RegExp;
  readonly breaks?: (box: BoxRoot) => Promise<unknown>;
  /** What is otherwise in the broken box, and no file. */
  readonly looks?: Partial<DoctorOptions>;
}

/** Half a second of frames is enough to tell their rate. */
const WATCHING = { watchMs: 1000 };

/** Asks as the process that probes does, without a process: starting one takes longer than most answers. */
export const directProber: NonNullable<DoctorOptions['prober']> = {
  ask: async <K extends keyof ProbeQuestions>(kind: K, question: ProbeQuestions[K]) =>
    (await answer({ kind, ...question, ...WATCHING } as Parameters<typeof answer>[0])) as ProbeAnswers[K],
};

export const lookAt = async (box: BoxRoot, check: Check, more: Partial<DoctorOptions> = {}) =>
  await examineBox({
    config: box.config,
    agentConfig: box.agentConfig,
    root: box.folder,
    environment: box.environment,
    clock: () => ({ synced: true, errorMs: 12 }),
    node: '24.4.0',
    prober: directProber,
    checks: [check],
    ...more,
  });

/** A test for each case: the fault is found, as severe as it is declared, with the remedy filled in. */
export function itFindsEach(
  cases: readonly BrokenCase[],
  createBox: () => Promise<BoxRoot>,
  { usual = {}, except = [] }: { readonly usual?: Partial<DoctorOptions>; readonly except?: readonly string[] } = {},
): void {
  it.each(cases.map((each) => [`${each.check.name}: ${each.fault}`, each] as const))('%s', async (_, each) => {
    const { check, fault, remedy, breaks, looks } = each;
    const box = await createBox();
    await breaks?.(box);
    const { findings, healthy } = await lookAt(box, check, { ...usual, ...looks });
    const found = findings.find((finding) => finding.fault === fault);
    expect(findings.map((finding) => finding.fault)).toContain(fault);
    expect(found).toMatchObject({ check: check.name, status: check.faults[fault]?.severity });
    expect(found?.remedy).toMatch(remedy);
    expect(found?.remedy).not.toMatch(/\{\w+\}/);
    if (check.faults[fault]?.severity === 'failure') expect(healthy).toBe(false);
  });

  it('is broken here in every way that these checks know', () => {
    const checks = [...new Set(cases.map(({ check }) => check))];
    const known = checks.flatMap(({ name, faults }) => Object.keys(faults).map((fault) => `${name}: ${fault}`));
    const broken = cases.map(({ check, fault }) => `${check.name}: ${fault}`);
    expect(new Set([...broken, ...except])).toEqual(new Set(known));
  });

  it('is well before any of that', async () => {
    const box = await createBox();
    for (const check of new Set(cases.map((each) => each.check))) {
      const { findings } = await lookAt(box, check, usual);
      expect(findings.filter(({ status }) => status !== 'ok' && status !== 'skipped')).toEqual([]);
    }
  });
}
