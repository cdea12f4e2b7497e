// Verifies a license, mints a link, downloads the file, compares its hash. Needs Node 18 or newer.
//   node latchkey.mjs URL KEY DOMAIN PRODUCT FILE
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

class Refused extends Error {
  constructor(code, message) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

async function ask({ url, key, domain, product }, method, path) {
  const answer = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${key}`, 'X-Domain': domain, 'X-Product-ID': product },
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok) throw new Refused(answer.headers.get('X-Error-Code'), (await answer.json()).message);
  return (await answer.json()).data;
}

export const verify = (license) => ask(license, 'GET', '/api/license/verify');

// Streams the file to disk; what is half there is resumed.
export async function download(license, file) {
  const link = await ask(license, 'POST', '/api/license/download');
  const part = `${file}.part`;
  let etag = '';
  await rm(part, { force: true });
  for (const pause of [0, 5_000, 35_000]) {
    await sleep(pause);
    const have = (await stat(part).catch(() => ({ size: 0 }))).size;
    try {
      const answer = await fetch(link.download_url, { headers: have > 0 ? { Range: `bytes=${have}-`, 'If-Range': etag } : {} });
      if (!answer.ok) throw new Refused(answer.headers.get('X-Error-Code'), (await answer.json()).message);
      etag = answer.headers.get('ETag') ?? '';
      await pipeline(answer.body, createWriteStream(part, { flags: answer.status === 206 ? 'a' : 'w' }));
      break;
    } catch (failure) {
      if (pause === 35_000) throw failure;
    }
  }
  const hash = createHash('sha256');
  await pipeline(createReadStream(part), hash);
  if (hash.digest('hex') !== link.sha256) throw new Error('The download is incomplete or damaged');
  await rename(part, file);
  return (await stat(file)).size;
}

const [url, key, domain, product, file] = process.argv.slice(2);
if (!file) {
  console.error('usage: node latchkey.mjs URL KEY DOMAIN PRODUCT FILE');
  process.exit(2);
}
const license = { url, key, domain, product };
try {
  console.log(`Licensed for ${(await verify(license)).domain}`);
  console.log(`${file}: ${await download(license, file)} bytes`);
} catch (failure) {
  console.error(failure.message);
  process.exit(1);
}
