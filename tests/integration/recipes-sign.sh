#!/usr/bin/env bash
# Signed recipes: sign, verify, trust; a changed byte, a stranger's key and a
# recipe that nobody signed are refused before any disk is touched, by bootmend
# and again by the agent.
. "$(dirname "$0")/../functions.sh"
requires openssl jq
export BOOTMEND_TRUSTED_KEYS=$work/trusted
cd "$work"
: >disk.img
truncate -s 4M disk.img

bootmend recipes show crowdstrike-291 --json |
  jq '.name = "of-our-own"' >own.json
openssl genpkey -algorithm ed25519 -out ops.key 2>/dev/null
openssl pkey -in ops.key -pubout -out ops.pem
openssl genpkey -algorithm ed25519 -out stranger.key 2>/dev/null

# Nobody signed it.
run bootmend recipes verify own.json
expect_status 1
expect_msg 'own.json: not signed: there is no own.json.sig'
for word in repair plan; do
  run bootmend "$word" libvirt:x --recipe ./own.json
  expect_status 1
  expect_msg 'is not signed'
  expect_msg '--allow-unsigned'
done
run bootmend fix-disk disk.img --recipe ./own.json
expect_status 1
expect_msg 'is not signed'

# Signed, but by whom?
run bootmend recipes sign own.json --key stranger.key
expect_status 0
run bootmend recipes verify own.json
expect_status 1
expect_msg 'which is not trusted'
run bootmend fix-disk disk.img --recipe ./own.json --allow-unsigned
expect_status 1
expect_msg 'which is not trusted'

# By somebody who is trusted.
run bootmend recipes trust
expect_status 0
expect_out 'no key is trusted'
run bootmend recipes trust ops.pem
expect_status 0
expect_out 'ops is trusted now'
run bootmend recipes trust ops.key --name again
expect_status 1
expect_msg 'trusted already, as ops'
openssl pkey -in stranger.key -pubout -out ops2.pem
run bootmend recipes trust ops2.pem --name ops
expect_status 1
expect_msg 'another key of this name'
run bootmend recipes sign own.json --key ops.key
expect_status 0
run bootmend recipes verify own.json crowdstrike-291
expect_status 0
expect_out 'own.json: signed by ops (key '
expect_out 'crowdstrike-291: built in'
run bootmend recipes trust --json
[[ $(json '.keys | length') == 1 ]] || fail "not one key: $out"
[[ $(json '.keys[0].signer') == ops ]] || fail "not ops: $out"

# What openssl says of the signature: any other program can check it, too.
jq -r .signature own.json.sig | base64 -d >signature
printf 'bootmend recipe signature 1\n%s\n%s\n' \
  "$(sha256sum <own.json | cut -d' ' -f1)" \
  "$(jq -r .recipe_sha256 own.json.sig)" >text
openssl pkeyutl -verify -pubin -inkey ops.pem -rawin -in text \
  -sigfile signature >/dev/null || fail "openssl does not verify the signature"

# One byte more.
cp own.json copy.json
cp own.json.sig copy.json.sig
printf '\n' >>copy.json
run bootmend fix-disk disk.img --recipe ./copy.json
expect_status 1
expect_msg 'copy.json.sig: the recipe was changed after it was signed'

# Others may write where the keys are.
chmod 777 trusted
run bootmend recipes verify own.json
expect_status 1
expect_msg 'others may write'
chmod 755 trusted

# The agent looks again, and is asked here without bootmend.
ask() { # JQ-FILTER ON THE REQUEST
  jq -cn --slurpfile recipe own.json --slurpfile signature own.json.sig \
    --arg key "$(openssl pkey -pubin -in ops.pem -outform DER |
      tail -c 32 | base64)" "{bootmend: 1, request: \"work\", id: \"a\",
      mode: \"report\", recipe: \$recipe[0], parameters: {},
      origin: {kind: \"signed\", public_key: \$key, signature: \$signature[0]},
      disk: {path: \"/nonexistent/disk\", format: \"raw\", trust_domain: \"x\"}
      } | $1" >request
  out=$(bootmend-agent <request 2>/dev/null | grep '"result"') || true
}
ask .
taken='the controller is gone' # what is refused never gets so far
[[ $out == *"$taken"* ]] || fail "a good recipe did not get to the disk: $out"
ask '.recipe.title = "another"'
[[ $out == *'changed after it was signed'* ]] || fail "a changed one: $out"
ask 'del(.origin)'
[[ $out == *'is not signed'* ]] || fail "an unsigned one: $out"
ask 'del(.origin) | .allow_unsigned = true'
[[ $out == *"$taken"* ]] || fail "an unsigned one that is allowed: $out"
ask '.origin = {kind: "built-in"}'
[[ $out == *'said to be built in'* ]] || fail "one that claims to be ours: $out"

sha256sum --quiet -c <<<"$(truncate -s 4M empty.img; sha256sum <empty.img |
  cut -d' ' -f1)  disk.img" || fail "the disk was touched"
