/* Azure Key Vault as a source of keys: how a secret is found, how few calls
 * that takes, what is refused, and what is never sent. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <base/strbuf.h>
#include <base/text.h>
#include <bitlocker/make-fve.h>

#include "vault-scene.h"

#define RECOVERY "000011-000022-000033-000044-000055-000066-000077-720885"

static void
expect_notes (const struct vault_scene *s, const char *part)
{
  CLEANUP_FREE char *notes = vault_scene_notes (s);

  if (strstr (notes, part) == NULL) {
    fprintf (stderr, "not in the notes: %s\nbut: %s", part, notes);
    CU_FAIL ("notes");
  }
}

static void
expect_err (const struct vault_scene *s, enum err_code code, const char *part)
{
  CU_ASSERT_PTR_NOT_NULL_FATAL (s->err);
  CU_ASSERT_EQUAL (s->err->code, code);
  if (strstr (s->err->msg, part) == NULL) {
    fprintf (stderr, "not in the error: %s\nbut: %s\n", part, s->err->msg);
    CU_FAIL ("error");
  }
}

#define EXPECT_CALLS(s, text) CU_ASSERT_STRING_EQUAL ((s)->calls.buf, text)
#define EXPECT_KEY(s, text)                                                    \
  CU_ASSERT_STRING_EQUAL (vault_scene_key (s, 0, "key"), text)

/* The challenge, a token, the secret: nothing is listed for it. */
static void
test_by_name (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (&s, "corp",
                    "{'64311dea-4587-4029-924a-ba299647998e': '" RECOVERY
                    "\\n'}",
                    "{'tenant': '" TENANT "'}");
  CU_ASSERT_EQUAL_FATAL (vault_scene_ask (&s, false), 1);
  EXPECT_KEY (&s, RECOVERY);
  CU_ASSERT_STRING_EQUAL (vault_scene_key (&s, 0, "protector"), GUID_A);
  CU_ASSERT_STRING_EQUAL (vault_scene_key (&s, 0, "source"),
                          "vault:corp secret " GUID_A);
  EXPECT_CALLS (&s, "list- token get " GUID_A " ");
  CU_ASSERT_STRING_EQUAL (s.tenant, TENANT);
  /* the next VM */
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 1);
  EXPECT_CALLS (&s, "get " GUID_A " ");
  /* tokens last for an hour */
  fake_clock_advance (&s.clock, 3590000);
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 1);
  EXPECT_CALLS (&s, "token get " GUID_A " ");
}

/* Three pages, once; no value but the one that is wanted. */
static void
test_by_tag (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (
      &s, "corp",
      "{'a': 'x', 'b': 'x', 'c': {'value': 'x', 'tags': {'GUID': '" GUID_B
      "'}}, 'd': 'x', 'PC-7-os': {'value': '" RECOVERY
      "', 'tags': {'key id': '{64311dea-4587-4029-924a-ba299647998e}'}}}",
      "{'page': 2}");
  CU_ASSERT_EQUAL_FATAL (vault_scene_ask (&s, false), 1);
  EXPECT_KEY (&s, RECOVERY);
  CU_ASSERT_STRING_EQUAL (vault_scene_key (&s, 0, "protector"), GUID_A);
  EXPECT_CALLS (&s, "list- token get " GUID_A " list list list get PC-7-os ");
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 1);
  EXPECT_CALLS (&s, "get PC-7-os ");
}

static void
test_by_part_of_name (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (&s, "corp", "{'bitlocker-" GUID_A "-2024': '1-2'}", NULL);
  CU_ASSERT_EQUAL_FATAL (vault_scene_ask (&s, false), 1);
  EXPECT_KEY (&s, "1-2");
}

/* Secrets of that computer that are for no disk stay unread; a key found so is
 * tried on whatever it could open. */
static void
test_by_computer (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (
      &s, "corp",
      "{'admin': {'value': 'no', 'tags': {'MachineName': 'pc-7'}},"
      " 'k1': {'value': '9-1', 'content_type': 'BitLocker recovery',"
      "  'tags': {'Machine-Name': 'pc-7'}},"
      " 'k2': {'value': '9-2', 'tags': {'vm': 'WEB-1', 'Recovery': 'os'}},"
      " 'k3': {'value': 'no', 'tags': {'vm': 'web-11', 'Recovery': 'os'}}}",
      NULL);
  CU_ASSERT_EQUAL_FATAL (vault_scene_ask (&s, false), 2);
  EXPECT_KEY (&s, "9-1");
  CU_ASSERT_STRING_EQUAL (vault_scene_key (&s, 0, "protector"), "");
  CU_ASSERT_STRING_EQUAL (vault_scene_key (&s, 1, "key"), "9-2");
  EXPECT_CALLS (&s, "list- token get " GUID_A " list get k1 get k2 ");
}

/* A passphrase of LUKS, by the volume's UUID; nothing is cut off it but the end
 * of its line. */
static void
test_luks (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (&s, "corp", "{'" GUID_A "': 'correct horse \\n'}", NULL);
  CU_ASSERT_EQUAL_FATAL (vault_scene_ask (&s, true), 1);
  EXPECT_KEY (&s, "correct horse ");
}

static void
test_place_with_secret (void)
{
  static const struct {
    const char *word, *calls;
    bool named;
  } rows[] = {
      {"corp/bl-{computer}", "list- token get bl-PC-7 ", false},
      {"corp/bl-{protector}", "list- token get bl-" GUID_A " ", true},
      {"https://corp.vault.azure.net/secrets/bl-PC-7/"
       "0123456789abcdef0123456789abcdef",
       "list- token get bl-PC-7/0123456789abcdef0123456789abcdef ", false},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_SCENE struct vault_scene s;

    vault_scene_init (&s, rows[i].word,
                      "{'bl-PC-7': '1-2', 'bl-" GUID_A "': '1-2'}", NULL);
    CU_ASSERT_EQUAL_FATAL (vault_scene_ask (&s, false), 1);
    EXPECT_KEY (&s, "1-2");
    EXPECT_CALLS (&s, rows[i].calls);
    CU_ASSERT_EQUAL (s.answer.named, rows[i].named);
  }
}

/* A list that takes longer than one VM is to wait for is read on for the next,
 * no page twice but the one that was cut off. */
static void
test_long_list (void)
{
  CLEANUP_SCENE struct vault_scene s;
  CLEANUP_STRBUF struct strbuf secrets = STRBUF_EMPTY;
  size_t lists = 0;

  for (int i = 0; i < 39; i++)
    strbuf_addf (&secrets, "%s'k%d': 'x'", i ? ", " : "{", i);
  strbuf_addstr (&secrets,
                 ", 'last': {'value': '1-2', 'tags': {'id': '" GUID_A "'}}}");
  vault_scene_init (&s, "corp", secrets.buf, "{'page': 2}");
  vault_scene_control (&s, "{'op': 'fault', 'rule': {'action': 'secrets/list', "
                           "'what': 'slow', 'delay_ms': 3000}}");
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
  CU_ASSERT_PTR_NULL (s.err);
  expect_notes (&s, "secrets of its list have been read so far");
  for (const char *p = s.calls.buf; (p = strstr (p, "list ")); p++)
    lists++;
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 1);
  EXPECT_KEY (&s, "1-2");
  for (const char *p = s.calls.buf; (p = strstr (p, "list ")); p++)
    lists++;
  CU_ASSERT (lists >= 20 && lists <= 21);
  CU_ASSERT_PTR_NOT_NULL (strstr (s.calls.buf, "get last "));
}

/* A guest can write what it likes where its UUID should be. */
static void
test_hostile_uuid (void)
{
  static const char *const uuids[] = {GUID_A "/../../keys/x",
                                      GUID_A "?a=b",
                                      "{" GUID_A "}",
                                      "",
                                      "..",
                                      "64311DEA-4587-4029-924A-BA29964799/E"};

  for (size_t i = 0; i < ARRAY_SIZE (uuids); i++) {
    CLEANUP_SCENE struct vault_scene s;

    vault_scene_init (&s, "corp", "{'a': 'x'}", NULL);
    s.guid = uuids[i];
    CU_ASSERT_EQUAL (vault_scene_ask (&s, true), 0);
    EXPECT_CALLS (&s, "list- token list ");
  }
}

/* ---- Azure Disk Encryption ---- */

static void
test_startup_keys (void)
{
  CLEANUP_SCENE struct vault_scene s;
  CLEANUP_FREE char *encoded = NULL, *secrets = NULL;
  struct made_fve made;

  make_fve (&(struct make_fve){0}, &made);
  encoded = base64_encode (made.bek, sizeof made.bek);
  secrets = xasprintf (
      "{'E1': {'value': '%s', 'content_type': 'BEK', 'tags': {'MachineName': "
      "'web-1', 'DiskEncryptionKeyFileName': '" GUID_A ".BEK'}}}",
      encoded);
  vault_scene_init (&s, "corp", secrets, NULL);
  /* it is there for this protector by its tag, and is another's by content */
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
  expect_notes (&s, "the secret E1 holds no startup key of this volume");
  /* by the computer; its content says whose it is */
  s.guid = made_guid (0x0200);
  CU_ASSERT_EQUAL_FATAL (vault_scene_ask (&s, false), 1);
  CU_ASSERT_STRING_EQUAL (vault_scene_key (&s, 0, "key_base64"), encoded);
  CU_ASSERT_STRING_EQUAL (vault_scene_key (&s, 0, "protector"), s.guid);
}

static void
test_wrapped (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (
      &s, "corp",
      "{'E1': {'value': 'c2VjcmV0', 'content_type': 'Wrapped BEK', 'tags': "
      "{'DiskEncryptionKeyFileName': '" GUID_A ".BEK', "
      "'DiskEncryptionKeyEncryptionKeyURL': "
      "'https://corp.vault.azure.net/keys/kek/1'}}}",
      NULL);
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
  expect_notes (&s,
                "E1 is a startup key that Azure Disk Encryption has wrapped "
                "with https://corp.vault.azure.net/keys/kek/1: unwrap it");
  EXPECT_CALLS (&s, "list- token get " GUID_A " list ");
}

/* ---- refusals ---- */

static void
test_disabled (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (&s, "corp",
                    "{'" GUID_A "': {'value': 'x', "
                    "'disabled': true}}",
                    NULL);
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
  CU_ASSERT_PTR_NULL (s.err);
  expect_notes (&s, "the secret " GUID_A " is disabled: enable it");
  CU_ASSERT_EQUAL (json_array_size (s.answer.notes), 1);
}

static void
deny (struct vault_scene *s, const char *globs)
{
  CLEANUP_FREE char *text =
      xasprintf ("{'op': 'switch', 'name': 'azure.tenants." TENANT
                 ".applications', 'value': [{'id': 'app', 'secret': 's', "
                 "'tenant': '" TENANT "', 'deny': [%s]}]}",
                 globs);

  vault_scene_control (s, text);
}

/* Whoever may not list finds by name; it is not asked for again at once. */
static void
test_may_not_list (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (&s, "corp", "{'" GUID_B "': 'x'}", "{'policies': true}");
  deny (&s, "'*/readMetadata/*'");
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
  CU_ASSERT_PTR_NULL (s.err);
  expect_notes (&s, "only secrets whose name is a protector's GUID are found: "
                    "it may not list the secrets (HTTP 403 AccessDenied)");
  expect_notes (&s, "access policy of the vault with the secret permissions "
                    "get and list");
  EXPECT_CALLS (&s, "list- token get " GUID_A " list ");
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
  EXPECT_CALLS (&s, "get " GUID_A " ");
  deny (&s, "");
  fake_clock_advance (&s.clock, 300000);
  vault_scene_ask (&s, false);
  EXPECT_CALLS (&s, "get " GUID_A " list ");
}

static void
test_may_not_read (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (&s, "corp", "{'" GUID_A "': 'x'}", NULL);
  deny (&s, "'*/getSecret/*'");
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
  expect_notes (&s, "it may not read the secret " GUID_A
                    " (HTTP 403 ForbiddenByRbac): Caller is not authorized");
  expect_notes (&s, "the role \"Key Vault Secrets User\"");
}

/* Said at once to all who ask in the next half minute. */
static void
test_firewall_rests (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (&s, "corp", "{'" GUID_A "': '1-2'}", "{'firewall': true}");
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
  expect_err (&s, ERR_UNREACHABLE, "its firewall does not let this machine in");
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
  expect_err (&s, ERR_UNREACHABLE, "its firewall does not let this machine in");
  EXPECT_CALLS (&s, "");
  vault_scene_control (&s, "{'op': 'switch', 'name': 'azure.vault.firewall', "
                           "'value': false}");
  fake_clock_advance (&s.clock, 30000);
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 1);
}

static void
test_throttled (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (&s, "corp", "{'" GUID_A "': '1-2'}", NULL);
  vault_scene_control (&s, "{'op': 'fault', 'rule': {'action': 'secrets/read', "
                           "'what': 'throttle', 'times': 2}}");
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 1);
  vault_scene_control (&s, "{'op': 'fault', 'rule': {'action': 'secrets/read', "
                           "'what': 'throttle'}}");
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
  expect_err (&s, ERR_THROTTLED, "limits calls (HTTP 429)");
  CU_ASSERT (s.clock.mono_ms < 120000);
}

/* One that was withdrawn is replaced once; where that does not help, it is said
 * what may. */
static void
test_token_refused (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (&s, "corp", "{'" GUID_A "': '1-2'}", NULL);
  vault_scene_control (&s, "{'op': 'fault', 'rule': {'action': 'secrets/read', "
                           "'what': 'error', 'status': 401, 'code': "
                           "'Unauthorized', 'message': 'AKV10032: Invalid "
                           "issuer.', 'times': 1}}");
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 1);
  EXPECT_CALLS (&s, "list- token get " GUID_A " token get " GUID_A " ");
  vault_scene_control (&s, "{'op': 'fault', 'rule': {'action': 'secrets/read', "
                           "'what': 'error', 'status': 401, 'code': "
                           "'Unauthorized', 'message': 'AKV10032: Invalid "
                           "issuer.'}}");
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
  expect_err (&s, ERR_AUTH, "AKV10032: Invalid issuer.");
  expect_err (&s, ERR_AUTH, "--azure-tenant");
}

static void
test_no_credentials (void)
{
  CLEANUP_SCENE struct vault_scene s;

  vault_scene_init (&s, "corp", "{}", NULL);
  s.no_token = true;
  CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
  expect_err (&s, ERR_AUTH, "no credentials");
  EXPECT_CALLS (&s, "list- ");
}

/* ---- who answers ---- */

/* No token is even asked for. */
static void
test_foreign_challenge (void)
{
  static const char *const resources[] = {
      "{'resource': 'https://evil.example'}",
      "{'resource': 'https://vault.azure.net.evil.example'}",
      "{'resource': 'https://azure.net'}",
      "{'resource': 'https://management.azure.com'}",
      "{'resource': 'https://vault.azure.cn'}",
      "{'resource': ''}",
  };

  for (size_t i = 0; i < ARRAY_SIZE (resources); i++) {
    CLEANUP_SCENE struct vault_scene s;

    vault_scene_init (&s, "corp", "{'" GUID_A "': 'x'}", resources[i]);
    CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
    expect_err (&s, ERR_AUTH, "no token was sent");
    EXPECT_CALLS (&s, "list- ");
  }
}

static void
test_malformed (void)
{
  static const struct {
    const char *body, *says;
  } rows[] = {
      {"", "no valid JSON"},
      {"<html>sign in</html>", "no valid JSON"},
      {"{\"value\": {\"a\": 1}}", "without a value"},
      {"{\"value\": null}", "without a value"},
      {"[\"000011-000022\"]", "without a value"},
      {"{\"value\": \"secret-text\"", "no valid JSON"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_SCENE struct vault_scene s;

    vault_scene_init (&s, "corp", "{}", NULL);
    s.body = rows[i].body;
    CU_ASSERT_EQUAL (vault_scene_ask (&s, false), 0);
    expect_err (&s, ERR_INPUT, rows[i].says);
    CU_ASSERT_PTR_NULL (strstr (s.err->msg, "secret-text"));
  }
}

/* The list is read by vault_list, with a server that says `body`. */
static void
test_strange_lists (void)
{
  static const struct {
    const char *body, *says;
  } rows[] = {
      {"{\"value\": [], \"nextLink\": \"https://evil.example/secrets?x\"}",
       "goes on somewhere else"},
      {"{\"value\": [], \"nextLink\": "
       "\"https://corp.vault.azure.net.evil.example/secrets?x\"}",
       "goes on somewhere else"},
      {"{\"value\": [], \"nextLink\": "
       "\"https://corp.vault.azure.net@evil.example/secrets?x\"}",
       "goes on somewhere else"},
      {"{\"value\": [], \"nextLink\": "
       "\"https://corp.vault.azure.net:443/keys?x\"}",
       "goes on somewhere else"},
      /* for ever */
      {"{\"value\": [], \"nextLink\": "
       "\"https://corp.vault.azure.net:443/secrets?x\"}",
       "goes on somewhere else"},
      {"{\"value\": {}}", "holds no list"},
      {"{}", "holds no list"},
      {"x", "no valid JSON"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_SCENE struct vault_scene s;

    vault_scene_init (&s, "corp", "{}", NULL);
    s.body = rows[i].body;
    CU_ASSERT_EQUAL (s.source.kind->check (&s.source, &s.err), -1);
    CU_ASSERT_PTR_NOT_NULL_FATAL (s.err);
    CU_ASSERT_PTR_NOT_NULL (strstr (s.err->msg, rows[i].says));
  }
}

static const struct unit_case cases[] = {
    {"by name", test_by_name},
    {"by tag, with pages", test_by_tag},
    {"by a part of the name", test_by_part_of_name},
    {"by computer", test_by_computer},
    {"LUKS", test_luks},
    {"a long list", test_long_list},
    {"a hostile UUID", test_hostile_uuid},
    {"one secret", test_place_with_secret},
    {"startup keys", test_startup_keys},
    {"wrapped startup keys", test_wrapped},
    {"disabled secrets", test_disabled},
    {"no right to list", test_may_not_list},
    {"no right to read", test_may_not_read},
    {"a firewall", test_firewall_rests},
    {"throttled", test_throttled},
    {"a token that is refused", test_token_refused},
    {"no credentials", test_no_credentials},
    {"a foreign challenge", test_foreign_challenge},
    {"malformed secrets", test_malformed},
    {"strange lists", test_strange_lists},
};

UNIT_MAIN ("keys/vault", cases)
