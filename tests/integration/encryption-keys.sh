#!/usr/bin/env bash
# Keys of encrypted disks from where operators have them, a real directory and
# a Key Vault among them; and nothing that is left behind, said or logged holds
# a key.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-images.sh"
. "$source_dir/tests/integration/lib-bitlocker.sh"
. "$source_dir/tests/integration/lib-azure.sh"
crypt_make
requires slapd ldapadd

recovery_guid=03020100-0504-0706-0809-0A0B0C0D0008
password_guid=03020100-0504-0706-0809-0A0B0C0D0020
volume_key=c0c1c2c3c4c5c6c7c8c9cacbcccdcecf # the first half, in hex

### a directory with the attributes of Active Directory
base=DC=corp,DC=example
ldap_start() {
  mkdir db
  cat >slapd.conf <<END
include /etc/ldap/schema/core.schema
attributetype ( 1.3.6.1.4.1.4203.666.1.1 NAME 'msFVE-RecoveryGuid'
  EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.4203.666.1.2 NAME 'msFVE-RecoveryPassword'
  EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.4203.666.1.3 NAME 'msFVE-RecoveryInformation' SUP top
  STRUCTURAL MUST ( cn \$ msFVE-RecoveryGuid \$ msFVE-RecoveryPassword ) )
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "$base"
directory $work/db
rootdn "cn=admin,$base"
rootpw directory-secret
access to * by users read by * none
END
  /usr/sbin/slapd -d 0 -f slapd.conf -h "ldap://127.0.0.1:$port" 2>slapd.log &
  at_exit kill $!
  wait_for 30 ldapwhoami -x -H "ldap://127.0.0.1:$port" \
    -D "cn=admin,$base" -w directory-secret || fail "slapd: $(cat slapd.log)"
  ldapadd -x -H "ldap://127.0.0.1:$port" -D "cn=admin,$base" \
    -w directory-secret >/dev/null <<END
dn: $base
objectClass: dcObject
objectClass: organization
dc: corp
o: corp

dn: cn=PC-7,$base
objectClass: device
cn: PC-7

dn: cn=2024-07-19T10:00:00\2D00:00{$recovery_guid},cn=PC-7,$base
objectClass: msFVE-RecoveryInformation
cn: 2024-07-19T10:00:00-00:00{$recovery_guid}
msFVE-RecoveryGuid:: $(printf '\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x00\x08' | base64)
msFVE-RecoveryPassword: $made_recovery
END
}
port=$((20000 + RANDOM % 20000))
cd "$work"
ldap_start

### a Key Vault, with just the rights that are asked for it
rights=$(bootmend policy azure --keys vault:corp | jq -c .DataActions)
cat >vault.json <<END
{"seed": 5, "images_folder": "$work", "devices_folder": "$work", "azure": {
 "tenants": {"$tenant": {"applications": [
  {"id": "$application", "secret": "g00d~secret", "allow": $rights},
  {"id": "nobody", "secret": "g00d~secret", "allow": []}]}},
 "subscriptions": {"$subscription": {"tenant": "$tenant"}},
 "locations": {"westeurope": {}},
 "vault": {"page": 2},
 "vaults": {"corp": {"a": "x", "b": "x", "c": "x",
  "pc": {"value": "$made_recovery", "tags": {"KeyId": "{${recovery_guid,,}}"}}}}}}
END
azure_start vault.json

### a wrong password of the directory is said, so is a vault that refuses, and
### no key is found
crypt_image made
before=$(sha256sum <disks/made.raw)
export BOOTMEND_LDAP_BIND_DN=cn=admin,$base
AZURE_CLIENT_ID=nobody BOOTMEND_LDAP_PASSWORD=wrong run bootmend fix-disk \
  -r crowdstrike-291 --keys "vault:$url" \
  --keys "ldap://127.0.0.1:$port/$base" --progress none --json disks/made.raw
expect_status 1
[[ $(json '.disks[0].refusal') == key-missing ]] || fail "$out"
[[ $(json '.disks[0].reason') == *"recovery-password $recovery_guid"* ]] ||
  fail "$out"
[[ $(json '.disks[0].notes | join (" ")') == *'Invalid credentials'* ]] ||
  fail "$out"
[[ $(json '.disks[0].notes | join (" ")') == *'role "Key Vault Secrets User"'* ]] ||
  fail "$out"
expect_msg "--keys vault:$url: only secrets whose name is a protector's GUID are found"
[[ $(sha256sum <disks/made.raw) == "$before" ]] || fail "it was changed"

### what libguestfs and the appliance say when they are told to say everything
mkdir -p scratch/s
jq -n --arg path "$work/disks/made.raw" --arg key "$made_recovery" \
  '[{id: "x", mode: "report", path: $path, recipe: "crowdstrike-291",
     keys: [{key: $key}]}]' |
  BOOTMEND_TEST_DEBUG=1 LIBGUESTFS_DEBUG=1 LIBGUESTFS_TRACE=1 \
    disk-batch scratch/s >said 2>&1
grep -q '"outcome":"needed"' said || fail "$(grep outcome said)"
grep -q 'trace: .*dmsetup create' said || fail "nothing is heard of the appliance"

### repaired with the key from there
BOOTMEND_LDAP_PASSWORD=directory-secret run bootmend -vv fix-disk -r crowdstrike-291 \
  --keys "ldap://127.0.0.1:$port/$base" --json disks/made.raw
expect_status 0
[[ $(json '.disks[0].outcome') == repaired ]] || fail "$out"
printf '%s\n%s\n' "$out" "$msg" >>said

### undone, file by file, with the key of a program
cat >ask-safe <<END
#!/bin/sh
echo "\$BOOTMEND_PROTECTOR \$BOOTMEND_PROTECTOR_TYPE \$BOOTMEND_COMPUTER" >>asked
[ "\$BOOTMEND_PROTECTOR" = $password_guid ] && printf 'Grüße \360\237\224\221\n'
exit 0
END
chmod +x ask-safe
touch -d '+1 minute' disks/made.raw
run bootmend fix-disk --undo --key-command ./ask-safe --json disks/made.raw
expect_status 0
[[ $(json '.disks[0] | "\(.outcome) \(.undo)"') == 'undone files' ]] || fail "$out"
grep -q "$password_guid password PC-" asked || fail "$(cat asked)"
printf '%s\n%s\n' "$out" "$msg" >>said

### a secret of the vault, by its tag; the rest of the list stays unread
run bootmend -vv inspect --no-recipes --keys "vault:$url" --json disks/made.raw
expect_status 0
[[ $(json '.disks[0].disk.volumes[0].bitlocker.opened_by') == \
  "recovery-password $recovery_guid" ]] || fail "$out$msg"
[[ $(azure_count '.action == "secrets/read" and .result == "ok"') == 1 ]] ||
  fail "$(azure_calls)"
printf '%s\n%s\n' "$out" "$msg" >>said

### what was left behind, said and logged
find "$work" "$BOOTMEND_STATE_DIR" -type f ! -path "$work/db/*" \
  ! -name slapd.conf ! -name vault.json ! -name ask-safe ! -path '*/disks/made.raw' \
  -newer slapd.conf >files
grep -q evidence files || grep -q made.raw.bootmend files ||
  fail "the evidence is not looked at: $(cat files)"
while read -r file; do
  grep -qaE "$made_recovery|${made_recovery//-/}|directory-secret|g00d~secret" "$file" &&
    fail "$file holds a key"
  grep -qai "$volume_key" "$file" && fail "$file holds the volume's key"
  grep -qaF 'Grüße 🔑' "$file" && fail "$file holds the password"
done <files
exit 0
