import { readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { UNIT_FOLDERS, unitText } from '../../../core/config/credentials.ts';
import { answerOf, type Box, bytesText, MB, pathIn, systemText } from '../box.ts';
import { check } from '../check.ts';

const STATE = '/var/lib/wayside';
/** What the agent keeps free where its configuration does not say. */
const DEFAULT_RESERVE_MB = 64;
/** Of the inodes of a file system. */
const LEAST_INODES = 0.02;

/** Folders that are written to. */
function writtenTo({ daemon, agent, root }: Box): string[] {
  const store = daemon.config?.model.store;
  const theirs = agent.config?.store;
  return [
    join(root, STATE),
    ...(store === undefined ? [] : [pathIn(daemon, store)]),
    ...(theirs === undefined ? [] : [pathIn(agent, theirs)]),
  ].filter((path, index, all) => all.indexOf(path) === index);
}

export const disk = check({
  name: 'disk',
  title: 'space on the disk',
  faults: {
    full: {
      severity: 'failure',
      when: 'less is free than the agent keeps (`reserveMb`, 64 MB without an agent): no update fits, and soon nothing else',
      remedy:
        '`journalctl --vacuum-size=50M`, `apt clean`; what takes the space: `du -xh --max-depth=2 {path} | sort -h`',
    },
    inodes: {
      severity: 'failure',
      when: 'less than 2% of the file system’s inodes are free: no new file can be made',
      remedy: 'find the folder with too many files: `du --inodes -x --max-depth=3 {path} | sort -n | tail`',
    },
    missing: {
      severity: 'failure',
      when: 'a folder that the units write to is not there',
      remedy: '`systemd-tmpfiles --create wayside.conf`, or `install -d -o wayside -g wayside {path}`',
    },
    'read-only': {
      severity: 'failure',
      when: 'its file system is mounted read-only: nothing that happens is kept',
      remedy: '`dmesg --level=err`; if the disk is sound: `mount -o remount,rw {mount}`; if not, replace it',
    },
  },
  async run(box, { ok, fault }) {
    const reserve = (box.agent.config?.reserveMb ?? DEFAULT_RESERVE_MB) * MB;
    const mounts = mountsIn((await systemText(box, 'proc/mounts')) ?? '');
    const folders = UNIT_FOLDERS.map((folder) => join(box.root, folder));
    const state = join(box.root, STATE);
    for (const path of writtenTo(box)) {
      const about = { path, subject: path };
      const found = await statfs(path).catch(() => undefined);
      if (found === undefined) {
        // Only units want that folder: the software runs without systemd too.
        if (path !== state || (await unitText('wayside.service', folders)) !== undefined)
          fault('missing', 'no such folder', about);
        continue;
      }
      const free = found.bavail * found.bsize;
      const mount = mounts.filter(({ at }) => isBelow(path, at)).at(-1);
      if (mount?.readOnly === true)
        fault('read-only', `${mount.at} is mounted read-only`, { ...about, mount: mount.at });
      else if (found.files > 0 && found.ffree / found.files < LEAST_INODES)
        fault('inodes', `${found.ffree} of ${found.files} inodes free`, about);
      else if (free < reserve) fault('full', `${bytesText(free)} free, ${bytesText(reserve)} are to stay`, about);
      else ok(`${bytesText(free)} free`, path);
    }
  },
});

const isBelow = (path: string, folder: string): boolean =>
  folder === '/' || path === folder || path.startsWith(`${folder}/`);

/** Mount points, outer ones first; a later mount on the same point hides the earlier one. */
function mountsIn(text: string): { readonly at: string; readonly readOnly: boolean }[] {
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields.length >= 4)
    .map(([, at = '', , options = '']) => ({
      at: at.replaceAll('\\040', ' '),
      readOnly: options.split(',').includes('ro'),
    }))
    .sort((a, b) => a.at.length - b.at.length);
}

/** JEDEC eMMC 5.1, EXT_CSD 268 and 269: 0x01 is up to 10% of the life used, 0x0A up to 100%, 0x0B more. */
const WORN_EMMC = 0x09;
const WORN_PERCENT = 80;

export const wear = check({
  name: 'wear',
  title: 'wear of the disk',
  faults: {
    worn: {
      severity: 'warning',
      when: 'eMMC or NVMe say that 80% of their life are used, or that their reserve of blocks is low',
      remedy: 'plan a new disk; what a second box of the same answers needs: `wayside init --answers FILE`',
    },
    spent: {
      severity: 'failure',
      when: 'its stated life is over: it may turn read-only at any time',
      remedy: 'replace the disk now, and install the box anew with its answers: `wayside init --answers FILE`',
    },
  },
  async run(box, { ok, skipped, fault }) {
    const devices = await readdir(join(box.root, 'sys/class/block')).catch(() => []);
    let seen = 0;
    for (const device of devices) {
      const life = await systemText(box, `sys/class/block/${device}/device/life_time`);
      const used =
        /^mmcblk\d+$/.test(device) && life !== undefined ? await emmc(box, device, life) : await nvme(box, device);
      if (used === undefined) continue;
      seen++;
      if (used.spent) fault('spent', used.text, { subject: device });
      else if (used.worn) fault('worn', used.text, { subject: device });
      else ok(used.text, device);
    }
    if (seen === 0) skipped('no disk here tells: eMMC does, NVMe with smartmontools installed; SD cards do not');
  },
});

interface Wear {
  readonly text: string;
  readonly worn: boolean;
  readonly spent: boolean;
}

/** The estimates of both types of cells, and `pre_eol_info`: 1 normal, 2 80% of the reserve used, 3 90%. */
async function emmc(box: Box, device: string, life: string): Promise<Wear | undefined> {
  const estimates = life
    .split(/\s+/)
    .map(Number)
    .filter((value) => value > 0);
  if (estimates.length === 0) return undefined;
  const most = Math.max(...estimates);
  const reserve = Number((await systemText(box, `sys/class/block/${device}/device/pre_eol_info`)) ?? 0);
  return {
    text: `${most > 0x0a ? 'more than 100' : `up to ${most * 10}`}% of its life used, reserve of blocks ${['unknown', 'normal', 'low', 'nearly used up'][reserve] ?? 'unknown'}`,
    worn: most >= WORN_EMMC || reserve === 2,
    spent: most > 0x0a || reserve === 3,
  };
}

async function nvme(box: Box, device: string): Promise<Wear | undefined> {
  if (!/^nvme\d+n\d+$/.test(device)) return undefined;
  const text = await answerOf(box, 'smartctl', ['--json', '--attributes', `/dev/${device}`]);
  const used = /"percentage_used"\s*:\s*(\d+)/.exec(text ?? '')?.[1];
  if (used === undefined) return undefined;
  const percent = Number(used);
  return { text: `${percent}% of its life used`, worn: percent >= WORN_PERCENT, spent: percent >= 100 };
}
