import { Option } from 'commander';
import type { HeadName } from '../../inference/heads/head.ts';

const HEAD_NAMES: readonly HeadName[] = ['yolox', 'yolox-decoded', 'nanodet-plus'];

export const headOption = (): Option =>
  new Option('--head <name>', 'how the boxes of an ONNX file are read').choices(HEAD_NAMES);
