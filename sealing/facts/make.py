"""Asks C libsodium, through PyNaCl's low-level bindings, what a sealed box with a given ephemeral key is.

    pip install pynacl==1.6.2 && python make.py > from_libsodium.txt

libsodium's own crypto_box_seal draws the ephemeral key itself, so the box is put together here as that
function does: ephemeral public key, then crypto_box_easy with BLAKE2b-192(ephemeral key || recipient key)
as the nonce. A refusal (low order) is libsodium's, too.
"""

import hashlib
import nacl
from nacl._sodium import ffi, lib

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def seal(ephemeral, recipient, message):
    public = ffi.new("unsigned char[32]")
    assert lib.crypto_scalarmult_base(public, ephemeral) == 0
    public = bytes(ffi.buffer(public))
    nonce = hashlib.blake2b(public + recipient, digest_size=24).digest()
    out = ffi.new("unsigned char[]", len(message) + 16)
    if lib.crypto_box_easy(out, message, len(message), nonce, recipient, ephemeral) != 0:
        return None
    return public + bytes(ffi.buffer(out))


def message(length):
    return bytes((i * 7 + length) % 256 for i in range(length))


def bytes_of(label):
    return hashlib.blake2b(label.encode(), digest_size=32).digest()


def public_of(secret):
    public = ffi.new("unsigned char[32]")
    assert lib.crypto_scalarmult_base(public, secret) == 0
    return bytes(ffi.buffer(public))


def little(number):
    return number.to_bytes(32, "little")


def top_bit(key):
    return key[:31] + bytes([key[31] | 0x80])


def edwards_add(a, b):
    (x, y), (v, w) = a, b
    t = D * x * v * y * w
    return ((x * w + v * y) * pow(1 + t, -1, P) % P, (y * w + x * v) * pow(1 - t, -1, P) % P)


def edwards_of(u):
    """Some Edwards point with this Montgomery u; the sign does not matter here."""
    y = (u - 1) * pow(u + 1, -1, P) % P
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if x * x % P != xx:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == xx
    return (x, y)


def with_torsion(u):
    """The same point plus one of order 8."""
    eighth = edwards_of(325606250916557431795983626356110631294008115727848805560023387167927233504)
    y = edwards_add(edwards_of(u), eighth)[1]
    return (1 + y) * pow(1 - y, -1, P) % P


def keys():
    own = public_of(bytes_of("recipient"))
    u = int.from_bytes(own, "little")
    eighths = [
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    ]
    yield "zero", little(0)
    for low in [0, 1, P - 1, *eighths]:
        for spelling in [low, low + P]:
            if 0 < spelling < 2**255:
                yield "low-order", little(spelling)
            if spelling < 2**255:
                yield "low-order", top_bit(little(spelling))
    yield "top-bit", top_bit(own)
    yield "unreduced", little(P + 9)
    yield "unreduced", top_bit(little(P + 9))
    yield "unreduced", little(P + 16)
    yield "unreduced", top_bit(little(P + 16))
    twists = [t for t in range(2, 60) if pow(t**3 + 486662 * t**2 + t, (P - 1) // 2, P) != 1]
    for t in twists[:3]:
        yield "twist", little(t)
        yield "twist", top_bit(little(t))
    yield "twist", little(P + 2)
    yield "torsion", little(with_torsion(u))
    yield "torsion", little(with_torsion(9))
    yield "torsion", top_bit(little(with_torsion(9)))
    yield "torsion", little(2**255 - 1)


print(f"# Made by make.py with PyNaCl {nacl.__version__} and the libsodium it brings. All bytes in hex.")
print("# Message of length n: byte i is (7 i + n) mod 256. Long boxes as blake2b-256:<digest>.")
print("#")
print("# length <length> <ephemeral secret> <recipient secret> <sealed box>")
for length in [0, 1, 15, 16, 17, 63, 64, 65, 4096, 49152]:
    ephemeral, recipient = bytes_of(f"ephemeral {length}"), bytes_of(f"recipient {length}")
    box = seal(ephemeral, public_of(recipient), message(length))
    text = box.hex() if length < 100 else "blake2b-256:" + hashlib.blake2b(box, digest_size=32).hexdigest()
    print("length", length, ephemeral.hex(), recipient.hex(), text)
print("#")
print("# key <kind> <public key> <ephemeral secret> <sealed box of the message of length 17, or refused>")
for number, (kind, key) in enumerate(keys()):
    ephemeral = bytes_of(f"ephemeral for key {number}")
    box = seal(ephemeral, key, message(17))
    print("key", kind, key.hex(), ephemeral.hex(), box.hex() if box else "refused")
