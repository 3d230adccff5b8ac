"""The system's libsodium itself, called as C."""

import base64
import ctypes
import ctypes.util
import json
import sys

sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
sodium.sodium_version_string.restype = ctypes.c_char_p
length = ctypes.c_ulonglong
assert sodium.sodium_init() >= 0


def checked(refused):
    if refused:
        raise ValueError("refused")


def answer(call):
    field = lambda name: base64.b64decode(call[name])
    if call["do"] == "seal":
        message = field("message")
        out = ctypes.create_string_buffer(len(message) + 48)
        checked(sodium.crypto_box_seal(out, message, length(len(message)), field("public")))
        return out.raw
    sealed = field("sealed")
    out = ctypes.create_string_buffer(max(len(sealed) - 48, 1))
    checked(
        sodium.crypto_box_seal_open(
            out, sealed, length(len(sealed)), field("public"), field("secret")
        )
    )
    return out.raw[: len(sealed) - 48]


print(json.dumps(sodium.sodium_version_string().decode()), flush=True)
for line in sys.stdin:
    try:
        reply = {"ok": base64.b64encode(answer(json.loads(line))).decode()}
    except Exception as error:
        reply = {"error": repr(error)}
    print(json.dumps(reply), flush=True)
