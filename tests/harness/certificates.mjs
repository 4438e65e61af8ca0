// Certificates of an authority that is made for a test.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * Makes an authority and a certificate of it for `names` (such as `DNS:localhost`) in `folder`. Returns the files
 * `{ca, key, cert}`.
 */
export function makeAuthority(folder, names = 'IP:127.0.0.1') {
  const file = (name) => join(folder, name);
  const openssl = (...words) => {
    const made = spawnSync('openssl', words);
    if (made.status !== 0) throw new Error(String(made.stderr));
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-keyout', file('ca-key.pem'), '-out', file('ca.pem'), '-subj', '/CN=an authority');
  openssl('req', '-x509', ...key, '-CA', file('ca.pem'), '-CAkey', file('ca-key.pem'), '-keyout', file('server-key.pem'), '-out', file('server.pem'), '-subj', '/CN=server', '-addext', `subjectAltName=${names}`, '-addext', 'basicConstraints=critical,CA:FALSE');
  return { ca: file('ca.pem'), key: file('server-key.pem'), cert: file('server.pem') };
}
