import { Argument } from 'commander';

export const journalArgument = (): Argument =>
  new Argument('[folder]', 'of the journal').default('/var/lib/wayside/journal');
