import { Option } from 'commander';
import type { HeadName } from '../../inference/heads/head.ts';

const HEAD_NAMES: readonly HeadName[] = ['yolox', 'yolox-decoded', 'nanodet-plus'];

export const headOption = (says = 'the model is a detector, whose boxes are read so; labels are not needed'): Option =>
  new Option('--head <name>', says).choices(HEAD_NAMES);
