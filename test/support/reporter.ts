import { writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { TestCase, TestModule, TestRunEndReason } from 'vitest/node';
import { DefaultReporter } from 'vitest/node';
import { SKIPPED_FOR } from './skip-reason.ts';

function reasonOf(test: TestCase): string {
  const start = test.fullName.indexOf(SKIPPED_FOR);
  if (start >= 0) return `needs ${test.fullName.slice(start + SKIPPED_FOR.length).split(']')[0]}`;
  const result = test.result();
  return (result.state === 'skipped' ? result.note : undefined) ?? 'switched off in its own file';
}

/**
 * Vitest's own report, then what failed at its first try, what was skipped and why, then one closing line: `N passed, N failed, N skipped`.
 * One run of several (`scripts/test.mjs`) leaves all of that in a file, for the closing line of all.
 */
export class ClosingReporter extends DefaultReporter {
  override onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    super.onTestRunEnd(modules, errors, reason);
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const inState = (state: string): TestCase[] => tests.filter((test) => test.result().state === state);
    const brokenFiles = modules.filter((module) => module.errors().length > 0).length;

    const lines: string[] = [];
    for (const test of tests.filter((test) => test.diagnostic()?.flaky)) {
      lines.push(`flaky: passed at its second try: ${test.module.relativeModuleId} > ${test.fullName}`);
      for (const { message } of test.result().errors ?? []) lines.push(`  ${message}`);
    }

    const skipped = new Map<string, TestCase[]>();
    for (const test of inState('skipped')) {
      const why = reasonOf(test);
      skipped.set(why, [...(skipped.get(why) ?? []), test]);
    }
    for (const [why, cases] of skipped) {
      lines.push(`skipped: ${why}: ${cases.length} test${cases.length === 1 ? '' : 's'}`);
      for (const file of new Set(cases.map((test) => test.module.relativeModuleId))) lines.push(`  ${file}`);
    }
    const [passed, skips] = [inState('passed').length, inState('skipped').length];
    const failed = inState('failed').length + brokenFiles + errors.length + (reason === 'interrupted' ? 1 : 0);
    const closing = process.env['WAYSIDE_TEST_CLOSING'];
    if (closing !== undefined) {
      writeFileSync(closing, JSON.stringify({ lines, passed, failed, skipped: skips }));
      return;
    }
    for (const line of lines) this.log(line);
    this.log(`${passed} passed, ${failed} failed, ${skips} skipped`);
  }
}
