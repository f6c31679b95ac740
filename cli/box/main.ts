import { runProgram } from '../run.ts';
import { createBoxProgram } from './program.ts';

/** The command line of a box: what `bin/wayside.js` starts where the workstation's half is not installed. */
export const main = (argv: readonly string[]): Promise<void> => runProgram(createBoxProgram, argv);
