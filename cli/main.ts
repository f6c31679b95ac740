import { createProgram } from './program.ts';
import { runProgram } from './run.ts';

/** The whole command line: what `bin/wayside.js` starts in a checkout. */
export const main = (argv: readonly string[]): Promise<void> => runProgram(createProgram, argv);
