"""Opens what Pappus wrote with the library `federation`, and writes an envelope of the library's own.

In the folder: sender.private.pem, sender.public.pem, reader.private.pem, reader.public.pem, and for each of
`profile` and `contact` a payload (NAME.xml), an envelope (NAME.envelope.xml) and an encrypted envelope
(NAME.encrypted.json). Left there: NAME.theirs.envelope.xml and NAME.theirs.encrypted.json.
"""

import asyncio
import json
import pathlib
import sys

import django
from django.conf import settings

settings.configure(
    FEDERATION={
        "base_url": "https://meadow.pod.test",
        "federation_id": "https://meadow.pod.test/u/rafa/",
        "get_object_function": "builtins.print",
        "get_private_key_function": "builtins.print",
        "get_profile_function": "builtins.print",
        "process_payload_function": "builtins.print",
        "redis": {"host": "127.0.0.1", "port": 1, "db": 0},
        "search_path": "/search/",
        "tags_path": "/tags/:tag:/",
    }
)
django.setup()

from Crypto.PublicKey import RSA  # noqa: E402
from federation.exceptions import SignatureVerificationError  # noqa: E402
from federation.protocols.diaspora.encrypted import EncryptedPayload  # noqa: E402
from federation.protocols.diaspora.magic_envelope import MagicEnvelope  # noqa: E402
from lxml import etree  # noqa: E402

folder = pathlib.Path(sys.argv[1])
SENDER = "odile.b@island.pod.test:3002"


def read(name):
    return (folder / name).read_text()


def key(name):
    return RSA.import_key(read(name))


def check(envelope, payload):
    assert envelope.author_handle == SENDER, envelope.author_handle
    assert envelope.message == payload.encode(), envelope.message
    asyncio.run(envelope.verify())
    envelope.public_key = read("reader.public.pem")
    try:
        asyncio.run(envelope.verify())
    except SignatureVerificationError:
        return
    raise AssertionError("the library verifies with any key, so its word is worth nothing")


for name in ["profile", "contact"]:
    payload = read(f"{name}.xml")
    public = read("sender.public.pem")
    check(MagicEnvelope(payload=read(f"{name}.envelope.xml"), public_key=public), payload)
    decrypted = EncryptedPayload.decrypt(json.loads(read(f"{name}.encrypted.json")), key("reader.private.pem"))
    check(MagicEnvelope(payload=etree.tostring(decrypted), public_key=public), payload)

    theirs = MagicEnvelope(message=payload, private_key=key("sender.private.pem"), author_handle=SENDER).render()
    (folder / f"{name}.theirs.envelope.xml").write_text(theirs)
    encrypted = EncryptedPayload.encrypt(theirs, key("reader.public.pem"))
    (folder / f"{name}.theirs.encrypted.json").write_text(json.dumps(encrypted))
    print(f"{name}: opened, verified, decrypted")
