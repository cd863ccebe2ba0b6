#include "vault.h"

#include <string.h>
#include <strings.h>

#include <base/strbuf.h>
#include <base/text.h>
#include <bitlocker/guid.h>
#include <net/curl-transport.h>

#include "source.h"

#define VERSION       "api-version=7.4"
#define ATTEMPT_MS    15000
#define MAX_REPLY     (4 << 20)
#define MAX_SECRETS   200000
#define RENEW_MS      300000
#define MAX_CHALLENGE 4096

static const struct retry_policy policy = {.max_attempts = 4,
                                           .base_ms = 500,
                                           .cap_ms = 8000,
                                           .total_ms = 60000,
                                           .throttled_ms = 60000};

struct vault {
  struct vault_place place;
  struct vault_around around;
  struct transport *transport, *own_transport;
  int64_t until_ms;
  bool greeted; /* its challenge fits its address */
  char *tenant; /* that it belongs to, by its challenge; NULL: not said */
  struct credentials *token;
  json_t *rows;
  char *next; /* the page that is to be read next; NULL after the last */
};

struct vault *
vault_new (struct vault_place *place, const struct vault_around *around)
{
  struct vault *vault = xcalloc (1, sizeof *vault);

  vault->place = *place;
  memset (place, 0, sizeof *place);
  vault->around = *around;
  vault->transport = around->transport;
  vault->rows = json_array ();
  vault->next =
      xasprintf ("%s/secrets?" VERSION "&maxresults=25", vault->place.base);
  return vault;
}

void
vault_free (struct vault *vault)
{
  if (vault == NULL)
    return;
  transport_free (vault->own_transport);
  credentials_free (vault->token);
  vault_place_release (&vault->place);
  json_decref (vault->rows);
  free (vault->tenant);
  free (vault->next);
  free (vault);
}

void
vault_begin (struct vault *vault, int64_t ms)
{
  vault->until_ms = clock_now_ms (vault->around.clock) + ms;
}

static int
left_ms (const struct vault *vault, int64_t *ms, struct err **err)
{
  *ms = vault->until_ms - clock_now_ms (vault->around.clock);
  if (*ms > 0)
    return 0;
  return err_set (err, ERR_TIMEOUT, "%s takes too long", vault->place.host);
}

static int
need_transport (struct vault *vault, struct err **err)
{
  struct transport_options options = {.clock = vault->around.clock,
                                      .ca_file = vault->around.ca_file,
                                      .max_in_flight = 1,
                                      .max_reply_bytes = MAX_REPLY};

  if (vault->transport == NULL)
    vault->transport = vault->own_transport =
        curl_transport_new (&options, err);
  return vault->transport ? 0 : -1;
}

/* One GET, with the token if there is one. */
static int
ask (struct vault *vault, const char *url, bool sign, struct fetched *got,
     struct err **err)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {.action = "key-vault",
                                                  .method = xstrdup ("GET"),
                                                  .url = xstrdup (url),
                                                  .sign = sign
                                                              ? HTTP_SIGN_BEARER
                                                              : HTTP_SIGN_NONE,
                                                  .repeatable = true,
                                                  .deadline_ms = ATTEMPT_MS};
  struct http_auth auth =
      sign ? credentials_auth (vault->token) : (struct http_auth){0};
  struct fetch_options options = {.policy = &policy,
                                  .clock = vault->around.clock};

  if (left_ms (vault, &options.total_ms, err) == -1 ||
      need_transport (vault, err) == -1)
    return -1;
  http_header_add (&req.headers, "Accept", "application/json");
  return fetch (vault->transport, &req, &auth, &options, got, err);
}

/* ---- the challenge ---- */

/* The value of `name` in 'Bearer authorization="...", resource="..."'. */
static char *
challenge_part (const char *challenge, const char *name)
{
  size_t len = strlen (name);

  for (const char *p = challenge; (p = strstr (p, name)); p += len) {
    const char *value = p + len + 1;

    if (p == challenge || strchr (" ,", p[-1]) == NULL || p[len] != '=')
      continue;
    if (*value == '"')
      return xstrndup (value + 1, strcspn (value + 1, "\""));
    return xstrndup (value, strcspn (value, ", "));
  }
  return NULL;
}

static bool
fits (const struct vault *vault, const char *resource)
{
  const char *wanted = vault->place.cloud->vault;
  size_t len = strlen (resource);

  if (len > 9 && strcmp (resource + len - 9, "/.default") == 0)
    len -= 9;
  while (len && resource[len - 1] == '/')
    len--;
  return len == strlen (wanted) && strncasecmp (resource, wanted, len) == 0;
}

/* "https://login.microsoftonline.com/TENANT": only an id of a tenant is of
 * use; where tokens come from is not for the vault to say. */
static void
take_tenant (struct vault *vault, const char *authority)
{
  const char *last = authority ? strrchr (authority, '/') : NULL;

  if (last && guid_is_text (last + 1))
    vault->tenant = xstrdup (last + 1);
}

static int
read_challenge (struct vault *vault, const struct http_reply *reply,
                struct err **err)
{
  const char *header = http_header_get (&reply->headers, "WWW-Authenticate");
  CLEANUP_FREE char *resource = NULL, *authority = NULL, *shown = NULL;

  if (header == NULL || strncasecmp (header, "Bearer ", 7) != 0 ||
      strlen (header) > MAX_CHALLENGE)
    return err_set (err, ERR_PROTOCOL,
                    "what answers at %s is no Key Vault: it does not say how "
                    "to sign in",
                    vault->place.host);
  resource = challenge_part (header, "resource");
  if (resource == NULL)
    resource = challenge_part (header, "scope");
  if (resource == NULL || !fits (vault, resource)) {
    shown = text_printable (resource ? resource : "nothing");
    return err_set (err, ERR_AUTH,
                    "%s wants a token for \"%.100s\", not for %s: no token was "
                    "sent to it; is it the right cloud (--azure-cloud), is "
                    "there a proxy in between?",
                    vault->place.host, shown, vault->place.cloud->vault);
  }
  authority = challenge_part (header, "authorization");
  if (authority == NULL)
    authority = challenge_part (header, "authorization_uri");
  take_tenant (vault, authority);
  vault->greeted = true;
  return 0;
}

static int
greet (struct vault *vault, struct err **err)
{
  CLEANUP_FREE char *url =
      xasprintf ("%s/secrets?" VERSION "&maxresults=1", vault->place.base);
  CLEANUP_FETCHED struct fetched got = {0};

  if (vault->greeted)
    return 0;
  if (ask (vault, url, false, &got, err) == -1)
    return -1;
  if (got.reply.status == 401)
    return read_challenge (vault, &got.reply, err);
  if (got.reply.status / 100 != 2)
    return vault_refusal (vault->place.host, "be asked", &got.reply, err) == 0
               ? err_set (err, ERR_PROTOCOL, "%s: HTTP 404", vault->place.host)
               : -1;
  return err_set (err, ERR_PROTOCOL,
                  "what answers at %s is no Key Vault: it does not ask who "
                  "calls",
                  vault->place.host);
}

int
vault_sign_in (struct vault *vault, struct err **err)
{
  int64_t now = clock_wall_ms (vault->around.clock), left;
  struct credentials *fresh;
  CLEANUP_ERR struct err *why = NULL;

  if (greet (vault, err) == -1)
    return -1;
  if (vault->token && vault->token->expires_wall_ms - RENEW_MS > now)
    return 0;
  if (left_ms (vault, &left, err) == -1)
    return -1;
  fresh =
      vault->around.authenticate (vault->around.opaque, vault->tenant, &why);
  if (fresh) {
    credentials_free (vault->token);
    vault->token = fresh;
  } else if (vault->token == NULL || vault->token->expires_wall_ms <= now)
    return err_move (err, TAKE (why));
  return 0;
}

/* ---- what is asked ---- */

/* 1: a success; 0: there is nothing there; -1. */
static int
ask_signed (struct vault *vault, const char *url, const char *what,
            struct fetched *got, struct err **err)
{
  for (int again = 0;; again++) {
    if (vault_sign_in (vault, err) == -1 ||
        ask (vault, url, true, got, err) == -1)
      return -1;
    if (got->reply.status == 200)
      return 1;
    /* it may have been withdrawn; a fresh one is worth a try */
    if (got->reply.status != 401 || again)
      return vault_refusal (vault->place.host, what, &got->reply, err);
    credentials_free (TAKE (vault->token));
    fetched_release (got);
    memset (got, 0, sizeof *got);
  }
}

static json_t *
read_body (const struct vault *vault, const struct http_reply *reply,
           struct err **err)
{
  json_t *json =
      json_parse_secret (reply->body, reply->body_len, vault->place.host, err);

  if (json == NULL)
    err_wrap (err, "no Key Vault answers there");
  return json;
}

int
vault_get (struct vault *vault, const char *name, const char *version,
           struct vault_secret *ret, struct err **err)
{
  CLEANUP_FREE char *url =
      xasprintf ("%s/secrets/%s%s%s?" VERSION, vault->place.base, name,
                 version ? "/" : "", version ? version : "");
  CLEANUP_FREE char *what = xasprintf ("read the secret %s", name);
  CLEANUP_FETCHED struct fetched got = {0};
  CLEANUP_JSON json_t *json = NULL;
  const json_t *value;
  int r = ask_signed (vault, url, what, &got, err);

  memset (ret, 0, sizeof *ret);
  if (r != 1)
    return r;
  json = read_body (vault, &got.reply, err);
  if (json == NULL)
    return -1;
  value = json_object_get (json, "value");
  if (!json_is_string (value))
    return err_set (err, ERR_INPUT, "%s: the secret %s comes without a value",
                    vault->place.host, name);
  ret->name = xstrdup (name);
  ret->value =
      secret_new (json_string_value (value), json_string_length (value));
  ret->content_type = xstrdup (json_str (json, "contentType", ""));
  ret->tags = json_incref (json_object_get (json, "tags"));
  return 1;
}

void
vault_secret_release (struct vault_secret *secret)
{
  free (TAKE (secret->name));
  free (TAKE (secret->content_type));
  secret_free (TAKE (secret->value));
  json_decref (TAKE (secret->tags));
}

/* ---- the list ---- */

static void
add_row (struct vault *vault, const json_t *item)
{
  const char *id = json_str (item, "id", "");
  const char *name = strstr (id, "/secrets/");
  json_t *row, *tags = json_object_get (item, "tags");

  name = name ? name + strlen ("/secrets/") : "";
  if (*name == '\0' || strcspn (name, "/?#%") != strlen (name))
    return;
  row = json_make ("{s:s,s:s,s:b}", "name", name, "content_type",
                   json_str (item, "contentType", ""), "enabled",
                   json_bool (item, "attributes.enabled", true));
  if (json_is_object (tags))
    json_put (row, "tags", json_incref (tags));
  json_array_append_new (vault->rows, row);
}

/* The service writes its port into it: "https://NAME.vault.azure.net:443/...".
 * What is followed is the rest, at the address that we know. */
static int
take_next (struct vault *vault, const char *link, struct err **err)
{
  const char *base = vault->place.base;
  size_t len = strlen (base);
  char *next = NULL;

  if (*link == '\0') {
    free (TAKE (vault->next));
    return 0;
  }
  if (strncasecmp (link, base, len) == 0) {
    const char *path = link + len;

    if (strncmp (path, ":443/", 5) == 0)
      path += 4;
    if (strncmp (path, "/secrets?", 9) == 0)
      next = xasprintf ("%s%s", base, path);
  }
  if (next == NULL || strcmp (next, vault->next) == 0) {
    free (next);
    return err_set (err, ERR_PROTOCOL,
                    "the list of secrets of %s goes on somewhere else, which "
                    "is not followed",
                    vault->place.host);
  }
  free (vault->next);
  vault->next = next;
  return 0;
}

int
vault_list (struct vault *vault, const json_t **ret, struct err **err)
{
  *ret = vault->rows;
  while (vault->next) {
    CLEANUP_FETCHED struct fetched got = {0};
    CLEANUP_JSON json_t *json = NULL;
    const json_t *items;
    json_t *item;
    size_t i;
    int r = ask_signed (vault, vault->next, "list the secrets", &got, err);

    if (r == 0)
      return err_set (err, ERR_PROTOCOL, "%s: HTTP 404", vault->place.host);
    if (r == -1 || (json = read_body (vault, &got.reply, err)) == NULL)
      return -1;
    items = json_object_get (json, "value");
    if (!json_is_array (items))
      return err_set (err, ERR_INPUT,
                      "%s: the list of secrets holds no list: no Key Vault "
                      "answers there",
                      vault->place.host);
    if (take_next (vault, json_str (json, "nextLink", ""), err) == -1)
      return -1;
    json_array_foreach (items, i, item)
    {
      add_row (vault, item);
    }
    if (json_array_size (vault->rows) > MAX_SECRETS)
      return err_set (err, ERR_PROTOCOL, "%s has more than %d secrets",
                      vault->place.host, MAX_SECRETS);
  }
  return 0;
}

const json_t *
vault_rows (const struct vault *vault)
{
  return vault->rows;
}

bool
vault_is_listed (const struct vault *vault)
{
  return vault->next == NULL;
}
