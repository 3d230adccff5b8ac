// Octokit, as GitHub's documentation uses it: fetch the key, seal, store. One name and value a line.

import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Octokit } from "@octokit/rest";

const sodium = createRequire(import.meta.url)("libsodium-wrappers");
await sodium.ready;
const [baseUrl, org] = process.argv.slice(2);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const octokit = new Octokit({ auth: process.env.GITHUB_TOKEN, baseUrl, log: quiet });

async function store({ name, value }) {
  const { data: key } = await octokit.rest.actions.getOrgPublicKey({ org });
  const sealed = sodium.crypto_box_seal(
    new Uint8Array(Buffer.from(value, "base64")),
    sodium.from_base64(key.key, sodium.base64_variants.ORIGINAL),
  );
  const { status } = await octokit.rest.actions.createOrUpdateOrgSecret({
    org,
    secret_name: name,
    encrypted_value: sodium.to_base64(sealed, sodium.base64_variants.ORIGINAL),
    key_id: key.key_id,
    visibility: "all",
  });
  return status;
}

const manifest = new URL("node_modules/@octokit/rest/package.json", import.meta.url);
console.log(JSON.stringify(JSON.parse(readFileSync(manifest)).version));
for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = { ok: String(await store(JSON.parse(line))) };
  } catch (error) {
    reply = { error: String(error) };
  }
  console.log(JSON.stringify(reply));
}
