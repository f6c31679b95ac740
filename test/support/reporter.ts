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

/** Vitest's own report, then what failed at its first try, what was skipped and why, then one closing line: `N passed, N failed, N skipped`. */
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

    for (const test of tests.filter((test) => test.diagnostic()?.flaky)) {
      this.log(`flaky: passed at its second try: ${test.module.relativeModuleId} > ${test.fullName}`);
      for (const { message } of test.result().errors ?? []) this.log(`  ${message}`);
    }

    const skipped = new Map<string, TestCase[]>();
    for (const test of inState('skipped')) {
      const why = reasonOf(test);
      skipped.set(why, [...(skipped.get(why) ?? []), test]);
    }
    for (const [why, cases] of skipped) {
      this.log(`skipped: ${why}: ${cases.length} test${cases.length === 1 ? '' : 's'}`);
      for (const file of new Set(cases.map((test) => test.module.relativeModuleId))) this.log(`  ${file}`);
    }
    const failed = inState('failed').length + brokenFiles + errors.length;
    this.log(`${inState('passed').length} passed, ${failed} failed, ${inState('skipped').length} skipped`);
  }
}
