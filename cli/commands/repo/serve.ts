import { once } from 'node:events';
import { Command, Option } from 'commander';
import { WaysideError } from '../../../core/errors.ts';
import { integer } from '../../options/common.ts';
import { type Context, running } from '../../running.ts';

interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly cert?: string;
  readonly certKey?: string;
  readonly writeCert?: string;
}

export function serveCommand(): Command {
  return new Command('serve')
    .summary('serve the published folder over HTTPS, for a first try')
    .description(
      'Serves the published folder, and nothing else, over HTTPS until it is stopped: for a first try. Any web server or object store serves the same folder.',
    )
    .argument('<folder>', 'folder of the repository')
    .addOption(new Option('--host <address>', 'address to listen on').default('127.0.0.1'))
    .addOption(new Option('--port <n>', 'TCP port; 0 takes a free one').argParser(integer(0, 65535)).default(8443))
    .addOption(new Option('--cert <file>', 'certificate chain in PEM (default: one is made that signs itself)'))
    .addOption(new Option('--cert-key <file>', 'private key of --cert, in PEM'))
    .addOption(new Option('--write-cert <file>', 'where to write the certificate that was made, for the clients'))
    .action(running(serve, { serves: true }));
}

async function serve({ signal, report, paint }: Context, folder: string, options: ServeOptions): Promise<void> {
  const [{ serveFolder }, { layoutOf, readSettings }, { readNamedFile, writeFileAtomic }] = await Promise.all([
    import('../../../deploy/repository/serve.ts'),
    import('../../../deploy/repository/layout.ts'),
    import('../../../core/files.ts'),
  ]);
  const { host, port, cert, certKey, writeCert } = options;
  if ((cert === undefined) !== (certKey === undefined)) {
    throw new WaysideError('USAGE', { message: '--cert and --cert-key go together' });
  }
  await readSettings(folder);
  let tls: { readonly cert: string; readonly key: string; readonly sha256?: string };
  if (cert !== undefined && certKey !== undefined) {
    tls = { cert: (await readNamedFile(cert)).toString('utf8'), key: (await readNamedFile(certKey)).toString('utf8') };
  } else {
    const { selfSignedCertificate } = await import('../../../deploy/repository/certificate.ts');
    tls = selfSignedCertificate([...new Set(['localhost', '127.0.0.1', host])]);
    if (writeCert !== undefined) await writeFileAtomic(writeCert, tls.cert);
  }
  const server = await serveFolder(layoutOf(folder).published, { host, port, tls });
  try {
    const { url } = server;
    const document = {
      url,
      metadataUrl: `${url}metadata/`,
      targetUrl: `${url}targets/`,
      certificateSha256: tls.sha256 ?? null,
    };
    report({ document, text: `${paint('bold', url)}  ${layoutOf(folder).published}; Ctrl-C ends it` });
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await server.close();
  }
}
