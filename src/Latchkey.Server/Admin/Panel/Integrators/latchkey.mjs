// Verifies a license and downloads the product's file. Needs Node 18 or newer.
//   node latchkey.mjs KEY DOMAIN FILE
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

const url = '__URL__';
const product = '__PRODUCT_ID__';

async function ask(key, domain, method, path) {
  const answer = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${key}`, 'X-Domain': domain, 'X-Product-ID': product },
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok) throw new Error(`${answer.headers.get('X-Error-Code')}: ${(await answer.json()).message}`);
  return (await answer.json()).data;
}

export const verify = (key, domain) => ask(key, domain, 'GET', '/api/license/verify');

// What is newer than the version that runs here: data.entitled says whether this license may have it.
export const update = (key, domain, version) => ask(key, domain, 'GET', `/api/license/update?version=${encodeURIComponent(version)}`);

// Streams the file to disk, and compares its hash before it is used.
export async function download(key, domain, file) {
  const link = await ask(key, domain, 'POST', '/api/license/download');
  const answer = await fetch(link.download_url);
  if (!answer.ok) throw new Error(`${answer.headers.get('X-Error-Code')}: ${(await answer.json()).message}`);
  const part = `${file}.part`;
  await pipeline(answer.body, createWriteStream(part));
  const hash = createHash('sha256');
  await pipeline(createReadStream(part), hash);
  if (hash.digest('hex') !== link.sha256) throw new Error('The download is incomplete or damaged');
  await rename(part, file);
}

const [key, domain, file] = process.argv.slice(2);
if (!file) {
  console.error('usage: node latchkey.mjs KEY DOMAIN FILE');
  process.exit(2);
}
try {
  console.log(`The license is good for ${(await verify(key, domain)).domain}`);
  await download(key, domain, file);
  console.log(`${file}: ${(await stat(file)).size} bytes`);
} catch (failure) {
  console.error(failure.message);
  process.exit(1);
}
