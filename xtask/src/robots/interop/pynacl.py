"""PyNaCl, as GitHub's documentation uses it from Python."""

import base64
import json
import sys

import nacl
from nacl.public import PrivateKey, PublicKey, SealedBox


def answer(call):
    field = lambda name: base64.b64decode(call[name])
    if call["do"] == "seal":
        return SealedBox(PublicKey(field("public"))).encrypt(field("message"))
    return SealedBox(PrivateKey(field("secret"))).decrypt(field("sealed"))


print(json.dumps(nacl.__version__), flush=True)
for line in sys.stdin:
    try:
        reply = {"ok": base64.b64encode(answer(json.loads(line))).decode()}
    except Exception as error:
        reply = {"error": repr(error)}
    print(json.dumps(reply), flush=True)
