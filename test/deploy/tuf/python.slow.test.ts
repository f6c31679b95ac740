import { execFile, execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { serveFolder } from '../../../deploy/repository/serve.ts';
import { addTarget, delegate } from '../../../deploy/repository/stage-targets.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { newOffice, officeKey } from '../../support/office.ts';
import { describeWith } from '../../support/requirements.ts';

const run = promisify(execFile);
const python = process.env['WAYSIDE_PYTHON'] ?? 'python3';

function hasTuf(): boolean {
  try {
    execFileSync(python, ['-c', 'import tuf, cryptography; assert int(tuf.__version__.split(".")[0]) >= 6'], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

/** Arguments: folder, address, path of the target. Prints the target's content. */
const CLIENT = `
import os, sys
from tuf.ngclient import Updater
folder, url, target = sys.argv[1:]
for name in ("metadata", "targets"):
    os.makedirs(os.path.join(folder, name))
with open(os.path.join(folder, "root.json"), "rb") as root:
    updater = Updater(os.path.join(folder, "metadata"), url + "metadata/", os.path.join(folder, "targets"),
                      url + "targets/", bootstrap=root.read())
updater.refresh()
info = updater.get_targetinfo(target)
with open(updater.download_target(info), "rb") as file:
    sys.stdout.buffer.write(file.read())
`;

/** Argument: folder. Makes a repository whose roles are signed by keys of every scheme, with delegations of both kinds. */
const REPOSITORY = `
import os, sys
from datetime import datetime, timedelta, timezone
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (DelegatedRole, Delegations, Metadata, MetaFile, Root, Snapshot, SuccinctRoles, TargetFile,
                              Targets, Timestamp)
from tuf.api.serialization.json import JSONSerializer

folder = sys.argv[1]
expires = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=3)
signers = {
    "root": [CryptoSigner.generate_rsa(), CryptoSigner.generate_rsa(scheme="rsa-pkcs1v15-sha256"),
             CryptoSigner.generate_ecdsa(), CryptoSigner.generate_ed25519()],
    "targets": [CryptoSigner.generate_ed25519()],
    "snapshot": [CryptoSigner.generate_ecdsa()],
    "timestamp": [CryptoSigner.generate_ecdsa()],
    "signs": [CryptoSigner.generate_ed25519()],
    "bins": [CryptoSigner.generate_ecdsa()],
}
root = Root(expires=expires, consistent_snapshot=True)
for role in ("root", "targets", "snapshot", "timestamp"):
    for signer in signers[role]:
        root.add_key(signer.public_key, role)
root.roles["root"].threshold = 4
targets, signs = Targets(expires=expires), Targets(expires=expires)
key = signers["signs"][0].public_key
targets.delegations = Delegations({key.keyid: key}, roles={
    "signs": DelegatedRole("signs", [key.keyid], 1, False, ["signs/*", "bins/*"])})
key = signers["bins"][0].public_key
bins = SuccinctRoles([key.keyid], 1, 1, "bin")
signs.delegations = Delegations({key.keyid: key}, succinct_roles=bins)
documents = {"targets": targets, "signs": signs, **{name: Targets(expires=expires) for name in bins.get_roles()}}
signers.update({name: signers["bins"] for name in bins.get_roles()})

def add(role, path, data):
    file = TargetFile.from_data(path, data, ["sha512", "sha256"])
    documents[role].targets[path] = file
    where, _, name = path.rpartition("/")
    os.makedirs(os.path.join(folder, "targets", where), exist_ok=True)
    for digest in file.hashes.values():
        with open(os.path.join(folder, "targets", where, digest + "." + name), "wb") as out:
            out.write(data)

add("targets", "a model.bundle", b"of the top")
add("signs", "signs/1.bundle", b"of the delegate")
add(bins.get_role_for_target("bins/1.bundle"), "bins/1.bundle", b"of a bin")
snapshot = Snapshot(expires=expires)
for role in documents:
    snapshot.meta[role + ".json"] = MetaFile(1)
timestamp = Timestamp(expires=expires)
os.makedirs(os.path.join(folder, "metadata"))

def write(role, signed, name):
    metadata = Metadata(signed)
    for signer in signers[role]:
        metadata.sign(signer, append=True)
    metadata.to_file(os.path.join(folder, "metadata", name + ".json"), JSONSerializer(compact=True))

for role, signed in {"root": root, "snapshot": snapshot, **documents}.items():
    write(role, signed, "1." + role)
write("timestamp", timestamp, "timestamp")
root.version = 2
write("root", root, "2.root")
`;

const folder = temporaryFolder();

describeWith(
  {
    needs: [
      {
        name: 'python-tuf',
        met: hasTuf(),
        hint: "`pip install tuf==7.0.0 'securesystemslib[crypto]'` and WAYSIDE_PYTHON naming that Python",
      },
    ],
  },
  'python-tuf',
  () => {
    it('updates from our repository, also from a delegated role', async () => {
      const office = await newOffice(folder());
      const fourth = await officeKey(folder(), 'fourth', 'p256');
      await delegate(office.folder, { role: 'signs', paths: ['signs/*'], keys: [fourth.key], threshold: 1 });
      const file = join(folder(), 'bundle');
      await writeFile(file, 'a model of ours');
      for (const name of ['vehicles', 'signs'])
        await addTarget(office.folder, { file, custom: { name, version: '2' } });
      await office.publish([office.keys.first, office.keys.second, fourth]);
      const published = join(office.folder, 'published');
      const server = await serveFolder(published, { port: 0 });
      try {
        for (const name of ['vehicles', 'signs']) {
          const box = join(folder(), name);
          await mkdir(box);
          await writeFile(join(box, 'root.json'), await readFile(join(published, 'metadata', '1.root.json')));
          const { stdout } = await run(python, ['-c', CLIENT, box, server.url, `${name}/2.bundle`]);
          expect(stdout).toBe('a model of ours');
        }
      } finally {
        await server.close();
      }
    });

    it('makes a repository that our client updates from, with keys of every scheme', async () => {
      const theirs = join(folder(), 'theirs');
      await run(python, ['-c', REPOSITORY, theirs]);
      const server = await serveFolder(theirs, { port: 0 });
      const client = join(PACKAGE_ROOT, 'deploy', 'conformance', 'client');
      const metadata = ['--metadata-dir', join(folder(), 'trusted')];
      const names = ['a model.bundle', 'signs/1.bundle', 'bins/1.bundle'];
      const target = join(folder(), 'targets');
      try {
        await run(client, [...metadata, 'init', join(theirs, 'metadata', '1.root.json')]);
        await run(client, [
          ...metadata,
          ...[
            '--metadata-url',
            `${server.url}metadata`,
            '--target-base-url',
            `${server.url}targets`,
            '--target-dir',
            target,
          ],
          ...names.flatMap((name) => ['--target-name', name]),
          'download',
        ]);
        const contents = names.map((name) => readFile(join(target, encodeURIComponent(name)), 'utf8'));
        expect(await Promise.all(contents)).toEqual(['of the top', 'of the delegate', 'of a bin']);
        expect(await readFile(join(folder(), 'trusted', 'root.json'))).toEqual(
          await readFile(join(theirs, 'metadata', '2.root.json')),
        );
      } finally {
        await server.close();
      }
    });
  },
);
