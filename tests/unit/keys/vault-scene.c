#include "vault-scene.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include <azure-credentials/credentials.h>
#include <base/strbuf.h>
#include <net/memory-transport.h>

static json_t *
parse (const char *text)
{
  CLEANUP_FREE char *copy = xstrdup (text);
  CLEANUP_ERR struct err *err = NULL;
  json_t *json;

  for (char *p = copy; *p; p++)
    *p = *p == '\'' ? '"' : *p;
  json = json_parse (copy, strlen (copy), "test", &err);
  if (json == NULL)
    fprintf (stderr, "%s: %s\n", copy, err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (json);
  return json;
}

static void
note_call (struct vault_scene *s, const struct http_request *req, bool sign)
{
  const char *path = strstr (req->url, "/secrets");

  if (path == NULL)
    strbuf_addstr (&s->calls, "token ");
  else if (path[8] == '?')
    strbuf_addf (&s->calls, "list%s ", sign ? "" : "-");
  else
    strbuf_addf (&s->calls, "get %.*s ", (int)strcspn (path + 9, "?"),
                 path + 9);
}

static int
answer (void *opaque, const struct http_request *req,
        const struct http_auth *auth, struct http_reply *reply,
        int64_t *delay_ms, struct err **err)
{
  struct vault_scene *s = opaque;
  bool sign = req->sign == HTTP_SIGN_BEARER;
  struct http_request *copy;

  note_call (s, req, sign);
  if (s->body && sign) {
    reply->status = 200;
    http_reply_set_body (reply, s->body, strlen (s->body));
    return 0;
  }
  copy = http_request_copy (req);
  if (sign) {
    CLEANUP_FREE char *header = xasprintf ("Bearer %s", auth->bearer->data);

    http_header_add (&copy->headers, "Authorization", header);
  }
  *delay_ms = fake_cloud_handle (s->cloud, copy, reply);
  http_request_release (copy);
  free (copy);
  if (reply->status > 0)
    return 0;
  http_reply_release (reply);
  return err_set (err, ERR_TRANSIENT, "the connection broke");
}

static void
pass (void *opaque, int64_t ms)
{
  fake_clock_advance (&((struct vault_scene *)opaque)->clock, ms);
}

static const char *
variable (void *opaque, const char *name)
{
  (void)opaque;
  if (strcmp (name, "AZURE_TENANT_ID") == 0)
    return TENANT;
  if (strcmp (name, "AZURE_CLIENT_ID") == 0)
    return "app";
  return strcmp (name, "AZURE_CLIENT_SECRET") == 0 ? "s" : NULL;
}

static struct credentials *
authenticate (void *opaque, const char *tenant, struct err **err)
{
  struct vault_scene *s = opaque;
  struct azure_surroundings around = {variable, NULL, &s->clock.clock,
                                      s->transport};
  struct binding binding = {
      .config = json_make ("{s:s,s:s}", "authority", "https://login.example",
                           "vault-resource", "https://vault.azure.net")};
  struct credentials *found = NULL;

  free (s->tenant);
  s->tenant = tenant ? xstrdup (tenant) : NULL;
  if (s->no_token)
    err_set (err, ERR_AUTH, "no credentials");
  else
    found = azure_authenticate_in (&around, &binding, "vault", err);
  json_decref (binding.config);
  return found;
}

static void
start_cloud (struct vault_scene *s, const char *secrets, const char *how)
{
  CLEANUP_JSON json_t *config =
      parse ("{'seed': 3, 'azure': {'tenants': {'" TENANT "': {'applications': "
             "[{'id': 'app', 'secret': 's'}]}}, 'subscriptions': {'s': "
             "{'tenant': '" TENANT "'}}, 'locations': {'westeurope': {}}}}");
  json_t *azure = json_object_get (config, "azure");
  CLEANUP_ERR struct err *err = NULL;

  json_put (azure, "vaults", json_make ("{s:o}", "corp", parse (secrets)));
  json_put (azure, "vault", parse (how ? how : "{}"));
  s->cloud = fake_cloud_new (config, &s->clock.clock, &err);
  if (s->cloud == NULL)
    fprintf (stderr, "fake_cloud_new: %s\n", err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (s->cloud);
}

void
vault_scene_init (struct vault_scene *s, const char *word, const char *secrets,
                  const char *how)
{
  struct memory_service service = {s, answer, pass};
  struct vault_around around = {.authenticate = authenticate, .opaque = s};
  struct vault_place place;

  memset (s, 0, sizeof *s);
  s->guid = GUID_A;
  fake_clock_init (&s->clock, INT64_C (1750000000000));
  start_cloud (s, secrets, how);
  s->transport = memory_transport_new (&service, &s->clock.clock);
  around.transport = s->transport;
  around.clock = &s->clock.clock;
  CU_ASSERT_EQUAL_FATAL (vault_place_parse (&place, word, "public", NULL), 0);
  s->source.kind = &key_vault;
  s->source.word = xasprintf ("vault:%s", word);
  s->source.data = key_vault_data (&place, &around);
  strbuf_addstr (&s->calls, "");
}

static void
forget (struct vault_scene *s)
{
  json_decref (TAKE (s->answer.keys));
  json_decref (TAKE (s->answer.notes));
  err_free (TAKE (s->err));
  strbuf_reset (&s->calls);
}

void
vault_scene_release (struct vault_scene *s)
{
  forget (s);
  s->source.kind->close (&s->source);
  transport_free (s->transport);
  fake_cloud_free (s->cloud);
  strbuf_release (&s->calls);
  free (s->source.word);
  free (s->tenant);
}

size_t
vault_scene_ask (struct vault_scene *s, bool luks)
{
  CLEANUP_JSON json_t *volume =
      json_make ("{s:s, s:s, s:[{s:s, s:s}]}", "encryption",
                 luks ? "LUKS" : "BitLocker", "id", luks ? s->guid : GUID_B,
                 "protectors", "guid", s->guid, "type",
                 luks ? "passphrase" : "recovery-password");
  struct key_query query = {volume, "id-1", "web-1", (char[]){"PC-7"}};

  forget (s);
  s->answer = (struct key_answer){json_array (), json_array (), false};
  if (s->source.kind->find (&s->source, &query, &s->answer, &s->err) == 0)
    CU_ASSERT_PTR_NULL (s->err);
  return json_array_size (s->answer.keys);
}

const char *
vault_scene_key (const struct vault_scene *s, size_t i, const char *field)
{
  return json_str (json_array_get (s->answer.keys, i), field, "");
}

char *
vault_scene_notes (const struct vault_scene *s)
{
  struct strbuf all = STRBUF_EMPTY;
  json_t *text;
  size_t i;

  strbuf_addstr (&all, "");
  json_array_foreach (s->answer.notes, i, text)
  {
    strbuf_addf (&all, "%s\n", json_string_value (text));
  }
  return strbuf_take (&all);
}

void
vault_scene_control (struct vault_scene *s, const char *text)
{
  CLEANUP_JSON json_t *op = parse (text);
  CLEANUP_ERR struct err *err = NULL;
  json_t *out = fake_cloud_control (s->cloud, op, &err);

  if (out == NULL)
    fprintf (stderr, "%s: %s\n", text, err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (out);
  json_decref (out);
}
