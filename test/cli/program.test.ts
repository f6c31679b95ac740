import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../cli/program.ts';

const withParts = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(withParts)];
const takesJson = (command: Command): boolean => command.options.some(({ long }) => long === '--json');

describe('--json', () => {
  it('belongs to every command that does something, and to none above it, which would take it away', () => {
    for (const command of withParts(createProgram())) {
      expect(takesJson(command), command.name()).toBe(command.commands.length === 0);
    }
  });
});
