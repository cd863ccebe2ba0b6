/* Key Vault: secrets are read one by one and listed in pages.  Which vault: the
 * first label of the host, or the only one there is.
 *
 * "vaults": {NAME: {SECRET: VALUE or {value, content_type, tags, disabled}}}
 * "vault": {page (25), firewall, policies (access policies instead of roles),
 * resource (of the challenge), tenant (in it)}
 * [Key Vault 7.4; texts and inner codes of refusals as users quote them in
 * Azure's public issue trackers] */

#include "arm.h"

#include <string.h>
#include <strings.h>

#define AUDIENCE "https://vault.azure.net"
#define RIGHT    "Microsoft.KeyVault/vaults/secrets/"
#define VERSION  "0123456789abcdef0123456789abcdef"

static const json_t *
vault_of (struct fake_call *call)
{
  CLEANUP_FAKE_URL struct fake_url url;
  const json_t *vaults = arm_config (call->cloud, "vaults");
  CLEANUP_FREE char *name = NULL;
  const json_t *vault;

  fake_url_split (call->req->url, &url);
  name = xstrndup (url.host, strcspn (url.host, ".:"));
  vault = json_object_get (vaults, name);
  if (vault == NULL && json_object_size (vaults) == 1)
    vault =
        json_object_iter_value (json_object_iter ((json_t *)(uintptr_t)vaults));
  return vault;
}

static const char *
setting (const struct fake_call *call, const char *name, const char *otherwise)
{
  return json_str (arm_config (call->cloud, "vault"), name, otherwise);
}

static int
forbid (struct fake_call *call, const char *inner, const char *text)
{
  arm_reply (call, 403,
             json_make ("{s:{s:s,s:s,s:{s:s}}}", "error", "code", "Forbidden",
                        "message", text, "innererror", "code", inner));
  fake_result (call, inner);
  return -1;
}

static int
check_right (struct fake_call *call, const char *what, const char *right)
{
  CLEANUP_FREE char *whole = xasprintf (RIGHT "%s/action", right);
  CLEANUP_FREE char *text = NULL;
  bool policies =
      json_bool (arm_config (call->cloud, "vault"), "policies", false);

  if (arm_may (call, whole))
    return 0;
  text = policies
             ? xasprintf ("The user, group or application 'appid=%s' does not "
                          "have secrets %s permission on key vault 'vault'.",
                          call->caller, what)
             : xasprintf ("Caller is not authorized to perform action on "
                          "resource.\r\nIf role assignments, deny assignments "
                          "or role definitions were changed recently, please "
                          "observe propagation time.\r\nCaller: appid=%s\r\n"
                          "Action: '%s'\r\n",
                          call->caller, whole);
  return forbid (call, policies ? "AccessDenied" : "ForbiddenByRbac", text);
}

/* Without a token it says where to get one; that is how official libraries
 * begin. */
static int
check_caller (struct fake_call *call)
{
  CLEANUP_FREE char *base = arm_base (call);

  if (strncmp (arm_query (call, "api-version") ?: "", "7.", 2) != 0)
    return arm_front_fail (call, 400, "BadParameter",
                           "api-version must be specified");
  if (http_header_get (&call->req->headers, "Authorization") == NULL &&
      call->cloud->depth == 0) {
    arm_header (call, "WWW-Authenticate",
                "Bearer authorization=\"%s/%s\", resource=\"%s\"", base,
                setting (call, "tenant", "common"),
                setting (call, "resource", AUDIENCE));
    return arm_front_fail (call, 401, "Unauthorized",
                           "AKV10000: Request is missing a Bearer or PoP "
                           "token.");
  }
  if (json_bool (arm_config (call->cloud, "vault"), "firewall", false))
    return forbid (call, "ForbiddenByFirewall",
                   "Client address is not authorized and caller is not a "
                   "trusted service.\r\nClient address: 192.0.2.1\r\n");
  return arm_who_calls (call, AUDIENCE);
}

/* Names are compared without case. */
static json_t *
find_secret (struct fake_call *call, const char *name)
{
  json_t *vault = (json_t *)(uintptr_t)vault_of (call), *value;
  const char *key;

  json_object_foreach (vault, key, value)
  {
    if (strcasecmp (key, name) == 0)
      return value;
  }
  return NULL;
}

/* What a list shows of it, and a GET besides the value. */
static json_t *
show (struct fake_call *call, const char *name, const char *version,
      const json_t *secret)
{
  CLEANUP_FREE char *base = arm_base (call);
  CLEANUP_FREE char *id =
      xasprintf ("%s/secrets/%s%s%s", base, name, version ? "/" : "",
                 version ? version : "");
  json_t *shown = json_make ("{s:s,s:{s:b,s:I}}", "id", id, "attributes",
                             "enabled", !json_bool (secret, "disabled", false),
                             "created", (json_int_t)1482189047);

  json_put_str (shown, "contentType", json_str (secret, "content_type", NULL));
  if (json_object_get (secret, "tags"))
    json_put (shown, "tags", json_deep_copy (json_object_get (secret, "tags")));
  return shown;
}

static int
get_secret (struct fake_call *call)
{
  const char *name = arm_part (call, "secret");
  const char *version = arm_part (call, "version");
  json_t *secret, *shown;

  if (check_caller (call) < 0 || check_right (call, "get", "getSecret") < 0)
    return -1;
  secret = find_secret (call, name);
  if (secret == NULL)
    return arm_front_fail (call, 404, "SecretNotFound",
                           "A secret with (name/id) %s was not found in this "
                           "key vault.",
                           name);
  if (json_bool (secret, "disabled", false))
    return forbid (call, "SecretDisabled",
                   "Operation get is not allowed on a disabled secret.");
  shown = show (call, name, version ? version : VERSION, secret);
  json_object_set (shown, "value",
                   json_is_object (secret) ? json_object_get (secret, "value")
                                           : secret);
  return arm_reply (call, 200, shown);
}

/* At most 25 a page, as the service says. */
static int
list_secrets (struct fake_call *call)
{
  json_t *vault = (json_t *)(uintptr_t)vault_of (call), *secret;
  int64_t page = json_int (arm_config (call->cloud, "vault"), "page", 25);
  const char *token = arm_query (call, "$skiptoken"), *name;
  int64_t from = token ? strtoll (token, NULL, 10) : 0, i = 0;
  json_t *rows, *body;

  if (check_caller (call) < 0 || check_right (call, "list", "readMetadata") < 0)
    return -1;
  rows = json_array ();
  json_object_foreach (vault, name, secret)
  {
    if (i >= from && i < from + page)
      json_array_append_new (rows, show (call, name, NULL, secret));
    i++;
  }
  body = json_make ("{s:o,s:n}", "value", rows, "nextLink");
  if (from + page < i) {
    CLEANUP_FREE char *base = arm_base (call);
    CLEANUP_FREE char *next =
        xasprintf ("%s/secrets?api-version=7.4&$skiptoken=%lld&maxresults=25",
                   base, (long long)(from + page));

    json_put_str (body, "nextLink", next);
  }
  return arm_reply (call, 200, body);
}

const struct arm_route arm_vault_routes[] = {
    {"GET", "/secrets", "vault", "secrets/list", NULL, NULL,
     "maxresults $skiptoken", ARM_OPEN, list_secrets},
    {"GET", "/secrets/{secret}", "vault", "secrets/read", NULL, NULL, NULL,
     ARM_OPEN, get_secret},
    {"GET", "/secrets/{secret}/{version}", "vault", "secrets/read", NULL, NULL,
     NULL, ARM_OPEN, get_secret},
    {0},
};
