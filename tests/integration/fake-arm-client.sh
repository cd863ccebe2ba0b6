#!/usr/bin/env bash
# The official Compute client for Node, unmodified, drives the fake Azure over
# TLS: a fake that only our own code understands proves that we repeat our
# mistakes.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-azure.sh"
. "$source_dir/tests/integration/lib-npm.sh"
npm_package @azure/arm-compute
requires openssl

openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.crt -days 2 \
  -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
cat tls.key tls.crt >tls.pem
{
  cat <<'END'
{"seed": 3, "speed": 100, "page_size": 3,
 "faults": [{"action": "operations/read", "skip": 2, "times": 2, "what": "error",
             "status": 503, "code": "ServerTimeout"}],
 "azure": {
END
  azure_head ''
  cat <<'END'
 "retry_after_s": -1,
 "vms": [
  {"name": "Bad", "group": "Web", "zone": "1", "tags": {"env": "prod"},
   "os_disk": {"boots": false}, "data_disks": [{"size_gb": 4}]},
  {"name": "Helper", "group": "Web", "zone": "1", "os": "linux"},
  {"name": "Full", "group": "Web", "zone": "1", "power": "deallocated", "no_capacity": true},
  {"name": "Web-{n}", "count": 5, "group": "Web", "zone": "2"}]}}
END
} >config.json
azure_start config.json --tls tls.pem
export NODE_EXTRA_CA_CERTS=$work/tls.crt
run node "$source_dir/tests/integration/fake-arm-client.mjs" "$url" "$subscription"
expect_status 0
[[ $out == $'looked\nmodelled\npowered\ncopied\nattached\nswapped\nrefused\ndeleted' ]] ||
  fail "not all parts were run: $out"
(($(azure_count '.action == "operations/read"') > 10)) || fail 'the client did not follow operations'
(($(azure_count '.result == "ServerTimeout"') == 2)) || fail 'no poll failed by itself'
