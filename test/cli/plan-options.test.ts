import type { Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../cli/program.ts';
import { type ChoiceField, FIELDS, GOALS, type NumberField } from '../../exporter/plan/fields.ts';

const { prune, finetune, qat } = FIELDS;

/** Which setting of the plan an option gives, by its long name; `calibration` of some commands is that of pruning. */
const SETTING: Readonly<Record<string, NumberField | ChoiceField<string>>> = {
  ...{ seed: FIELDS.seed, clusters: FIELDS.clusters, target: FIELDS.target, range: FIELDS.range },
  ...{ rounding: FIELDS.rounding, 'teacher-weight': FIELDS.teacherWeight, calibration: FIELDS.calibration },
  ...{ floor: prune.floor, multiple: prune.multiple, criterion: prune.criterion, 'prune-criterion': prune.criterion },
  ...{ 'finetune-epochs': finetune.epochs, 'qat-epochs': qat.epochs },
  ...Object.fromEntries(
    Object.entries(GOALS).flatMap(([goal, field]) => [
      [goal, field],
      [`prune-${goal}`, field],
    ]),
  ),
};
const JUDGING = ['prune', 'reconstruct'];
const COMMANDS = ['compress', 'prune', 'reconstruct', 'cluster', 'calibrate', 'quantize', 'sensitivity'];

const settingOf = ({ long }: Option, command: Command): NumberField | ChoiceField<string> | undefined =>
  long === '--calibration' && JUDGING.includes(command.name()) ? prune.pictures : SETTING[long?.slice(2) ?? ''];

describe('options that the plan knows', () => {
  const given = createProgram()
    .commands.filter((command) => COMMANDS.includes(command.name()))
    .flatMap((command) =>
      command.options.flatMap((option) => {
        const field = settingOf(option, command);
        return field === undefined ? [] : [{ says: `${command.name()} ${option.long}`, option, field }];
      }),
    );

  test('are all there', () => {
    expect(given.length).toBeGreaterThan(30);
  });

  test.each(given)('$says has the default and the bounds of the plan', ({ option, field }) => {
    const { fallback } = field;
    if (option.defaultValue !== undefined) expect(option.defaultValue).toBe(fallback);
    else if (fallback !== undefined) expect(option.description).toContain(`(default: ${fallback}`);
    if ('choices' in field) {
      expect(option.argChoices).toEqual(field.choices);
      return;
    }
    const parse = (value: number): unknown => option.parseArg?.(String(value), undefined);
    expect(parse(field.least)).toBe(field.least);
    expect(() => parse(field.least - 1)).toThrow(/must be/);
    if (field.most >= 2 ** 53 - 1) return;
    expect(parse(field.most)).toBe(field.most);
    expect(() => parse(field.most + 1)).toThrow(/must be/);
  });
});
