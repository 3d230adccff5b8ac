// libsodium-wrappers or tweetsodium, by the name given: both as GitHub's documentation has used them.

import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const name = process.argv[2];
// Through CommonJS, where both packages work on every version of Node.
const library = createRequire(import.meta.url)(name);
const { version } = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url)));

if (library.ready) await library.ready;
const seal = library.crypto_box_seal ?? library.seal;
const open = library.crypto_box_seal_open ?? library.sealOpen;

function answer(call) {
  const field = (name) => new Uint8Array(Buffer.from(call[name], "base64"));
  const made =
    call.do === "seal"
      ? seal(field("message"), field("public"))
      : open(field("sealed"), field("public"), field("secret"));
  if (!made) throw new Error("refused");
  return Buffer.from(made).toString("base64");
}

console.log(JSON.stringify(version));
for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = { ok: answer(JSON.parse(line)) };
  } catch (error) {
    reply = { error: String(error) };
  }
  console.log(JSON.stringify(reply));
}
