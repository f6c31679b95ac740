import type { Benchmark } from '../harness/benchmark.ts';
import { cifar } from './cifar.ts';

/** Every benchmark, in the order of the documents. */
export const BENCHMARKS: readonly Benchmark[] = [cifar];
