// Compresses the same models with two checkouts (installed and built) and compares what they write: `model.onnx`, `golden/` and the plan
// must be the same to the byte. For a change that moves code and is to change nothing.
//
//   node scripts/compare-builds.mjs BEFORE AFTER DATA CIFAR10
//
// DATA is the folder of test data, CIFAR10 its unpacked images. Ends with 1 where something differs. About 10 minutes on two cores.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [before, after, data, cifar10] = process.argv.slice(2);
if (cifar10 === undefined) {
  process.stderr.write('usage: node scripts/compare-builds.mjs BEFORE AFTER DATA CIFAR10\n');
  process.exit(64);
}

const resnet = (size) => join(data, 'models', 'resnet-cifar10', `resnet${size}-cifar10.onnx`);
const small = ['--data', `cifar10:${cifar10}`, '--normalize', 'cifar10'];
const training = ['--prune-flops', '0.5', '--finetune-epochs', '1', '--qat-epochs', '1', '--threads', '1'];
const RUNS = {
  'ResNet20, 16 clusters': [resnet(20), ...small, '--limit', '500', '--clusters', '16'],
  'ResNet56, budget': [resnet(56), ...small, '--limit', '200', '--calibration', '128', '--budget', '1'],
  SqueezeNet: [
    join(data, 'models', 'squeezenet', 'squeezenet_v1.0_deepcompression_fp32.onnx'),
    ...[
      '--data',
      `images:${join(data, 'imagenet-sample')}`,
      '--normalize',
      'caffe',
      '--limit',
      '40',
      '--calibration',
      '64',
    ],
  ],
  'ResNet20, pruned, fine-tuned, trained in int8': [
    ...[resnet(20), ...small, '--limit', '200', '--calibration', '256', '--validation', '39800-40000'],
    ...[...training, '--clusters', '16'],
  ],
};

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Digest by name of what a package must keep. */
function contentOf(folder) {
  const golden = readdirSync(join(folder, 'golden')).map((name) => `golden/${name}`);
  const files = ['model.onnx', ...golden].map((name) => [name, digest(readFileSync(join(folder, name)))]);
  const { plan } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  return new Map([...files, ['plan', digest(JSON.stringify(plan))]]);
}

function compress(checkout, args, out) {
  const command = [join(checkout, 'bin', 'wayside.js'), 'compress', ...args, '--seed', '1', '--out', out];
  const { status, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${checkout}: ${stderr.trim().split('\n').slice(-3).join('\n')}`);
  return contentOf(out);
}

const scratch = mkdtempSync(join(tmpdir(), 'wayside-compare-'));
let different = 0;
try {
  for (const [name, args] of Object.entries(RUNS)) {
    const old = compress(before, args, join(scratch, 'before'));
    const now = compress(after, args, join(scratch, 'after'));
    const wrong = [...old].filter(([file, was]) => now.get(file) !== was).map(([file]) => file);
    process.stdout.write(
      `${name}: ${wrong.length === 0 ? `${old.size} the same` : `DIFFERENT: ${wrong.join(', ')}`}\n`,
    );
    different += wrong.length;
    for (const side of ['before', 'after']) rmSync(join(scratch, side), { recursive: true, force: true });
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = different === 0 ? 0 : 1;
