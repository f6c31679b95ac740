import { setFlagsFromString } from 'node:v8';

/**
 * Has what runs with every frame compiled for speed within half a minute, not within many.
 *
 * The engine decides by how much of a function has run, on a scale for programs that compute all the time. The supervisor works a millisecond
 * a frame: a minute after its start nearly all of it still ran in baseline code. Earlier compilation costs 0.1 s once; of the CPU time a frame
 * over the minute that follows, a budget of 10,000 (default: 135,168) saves a tenth, this one a sixth.
 */
export function optimizeEarly(): void {
  setFlagsFromString('--interrupt-budget=2500');
}
