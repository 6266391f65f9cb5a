#!/usr/bin/env bash
# Makes the vectors anew, with openssl and the shell alone, so that nothing of Pappus checks itself.
# New keys are made only where there are none.
set -euo pipefail
cd "$(dirname "$0")"

old=odile@harbour.pod.test
new=odile.b@island.pod.test:3002
reader=rafa@meadow.pod.test

for name in old new reader; do
  [ -f "$name.private.pem" ] || openssl genrsa -traditional -out "$name.private.pem" 2048
  openssl rsa -in "$name.private.pem" -pubout -out "$name.public.pem" 2>/dev/null
done

base64url() { base64 -w0 | tr '+/' '-_'; }
sign() { openssl dgst -sha256 -sign "$1.private.pem"; }

# envelope SENDER KEY PAYLOAD
envelope() {
  local data type encoding alg signature
  data=$(printf %s "$(cat "$3")" | base64url)
  type=$(printf application/xml | base64url)
  encoding=$(printf base64url | base64url)
  alg=$(printf RSA-SHA256 | base64url)
  signature=$(printf %s "$data.$type.$encoding.$alg" | sign "$2" | base64url)
  cat <<END
<?xml version="1.0" encoding="UTF-8"?>
<me:env xmlns:me="http://salmon-protocol.org/ns/magic-env">
  <me:data type="application/xml">$data</me:data>
  <me:encoding>base64url</me:encoding>
  <me:alg>RSA-SHA256</me:alg>
  <me:sig key_id="$(printf %s "$1" | base64url)">$signature</me:sig>
</me:env>
END
}

# encrypt RECIPIENT, of standard input; always with the same AES key, which no real sender would do
encrypt() {
  local key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f iv=202122232425262728292a2b2c2d2e2f
  local secret
  secret=$(printf '{"key":"%s","iv":"%s"}' "$(printf %s $key | xxd -r -p | base64 -w0)" "$(printf %s $iv | xxd -r -p | base64 -w0)")
  printf '{"aes_key":"%s","encrypted_magic_envelope":"%s"}\n' \
    "$(printf %s "$secret" | openssl pkeyutl -encrypt -pubin -inkey "$1.public.pem" -pkeyopt rsa_padding_mode:pkcs1 | base64 -w0)" \
    "$(openssl enc -aes-256-cbc -K $key -iv $iv | base64 -w0)"
}

profile() {
  cat <<END
$1<profile>
$1  <author>$new</author>
$1  <edited_at>2026-03-01T07:08:09Z</edited_at>
$1  <first_name>Odile</first_name>
$1  <last_name>Brückner &amp; Söhne</last_name>
$1  <image_url>https://island.pod.test:3002/uploads/images/thumb_large_0d11e.webp</image_url>
$1  <bio>I like **boats**,
and &lt;knots&gt;.</bio>
$1  <birthday>1004-02-29</birthday>
$1  <location>at sea ⛵</location>
$1  <searchable>true</searchable>
$1  <public>false</public>
$1  <nsfw>false</nsfw>
$1  <tag_string>#boats #knots</tag_string>
$1</profile>
END
}

profile '' > profile.xml

cat > account_migration.xml <<END
<account_migration>
  <author>$old</author>
$(profile '  ')
  <signature>$(printf %s "AccountMigration:$old:$new" | sign new | base64 -w0)</signature>
  <old_identity>$old</old_identity>
  <remote_photo_path>https://island.pod.test:3002/uploads/images/</remote_photo_path>
</account_migration>
END

cat > contact.xml <<END
<contact>
  <author>$new</author>
  <recipient>$reader</recipient>
  <following>true</following>
  <sharing>true</sharing>
  <blocking>false</blocking>
</contact>
END

envelope "$old" old account_migration.xml > account_migration.envelope.xml
envelope "$new" new contact.xml > contact.envelope.xml
encrypt reader < contact.envelope.xml > contact.encrypted.json

cat > webfinger.json <<END
{
  "subject": "acct:$new",
  "aliases": ["https://island.pod.test:3002/people/0d11e0d11e0d11e0"],
  "links": [
    { "rel": "http://microformats.org/profile/hcard", "type": "text/html", "href": "https://island.pod.test:3002/hcard/users/0d11e0d11e0d11e0" },
    { "rel": "http://joindiaspora.com/seed_location", "type": "text/html", "href": "https://island.pod.test:3002/" },
    { "rel": "http://ostatus.org/schema/1.0/subscribe", "template": "https://island.pod.test:3002/people?q={uri}" }
  ]
}
END

cat > host-meta.xml <<END
<?xml version="1.0" encoding="UTF-8"?>
<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">
  <Link rel="lrdd" type="application/xrd+xml" template="https://island.pod.test:3002/webfinger?q={uri}"/>
</XRD>
END

cat > webfinger.xrd.xml <<END
<?xml version="1.0" encoding="UTF-8"?>
<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">
  <Subject>acct:$new</Subject>
  <Alias>https://island.pod.test:3002/people/0d11e0d11e0d11e0</Alias>
  <Link rel="http://microformats.org/profile/hcard" type="text/html" href="https://island.pod.test:3002/hcard/users/0d11e0d11e0d11e0"/>
  <Link rel="http://joindiaspora.com/seed_location" type="text/html" href="https://island.pod.test:3002/"/>
</XRD>
END

cat > hcard.html <<END
<!DOCTYPE html>
<html>
<head><meta charset="utf-8"><title>Odile</title></head>
<body>
<div class="vcard author">
  <p>Known as <b class="uid">0d11e0d11e0d11e0</b>, <b class="nickname">odile.b</b></p>
  <h1 class="fn">Odile Brückner &amp; Söhne</h1>
  <span class="given_name">Odile</span> <span class="family_name">Brückner &amp; Söhne</span>
  <span class="searchable">true</span>
  <pre class="key">$(cat new.public.pem)
</pre>
  <p class="entity_photo"><img class="photo avatar" src="https://island.pod.test:3002/uploads/images/thumb_large_0d11e.webp"></p>
  <p class="entity_photo_medium"><img class="photo avatar" src="https://island.pod.test:3002/uploads/images/thumb_medium_0d11e.webp"></p>
  <p class="entity_photo_small"><img class="photo avatar" src="https://island.pod.test:3002/uploads/images/thumb_small_0d11e.webp"></p>
  <a class="url" href="https://island.pod.test:3002/">island</a>
</div>
</body>
</html>
END
