/** Between the name of a group of tests and the reason why it is skipped; the closing reporter splits names there. */
export const SKIPPED_FOR = ' [skipped, needs ';
