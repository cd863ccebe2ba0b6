/* Key Vault: GET of a secret.  Which vault: the first label of the host, or the
 * only one there is. "vaults": {NAME: {SECRET: VALUE}} [Key Vault 7.2] */

#include "arm.h"

#include <string.h>

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

static int
get_secret (struct fake_call *call)
{
  const char *name = arm_part (call, "secret");
  const char *version = arm_part (call, "version");
  CLEANUP_FREE char *base = arm_base (call);
  const json_t *value;

  if (http_header_get (&call->req->headers, "Authorization") == NULL &&
      call->cloud->depth == 0) {
    arm_header (call, "WWW-Authenticate",
                "Bearer authorization=\"%s/common\", "
                "resource=\"https://vault.azure.net\"",
                base);
    return arm_front_fail (call, 401, "Unauthorized",
                           "Request is missing a Bearer or PoP token.");
  }
  if (arm_who_calls (call, "https://vault.azure.net") < 0)
    return -1;
  if (!arm_may (call, "Microsoft.KeyVault/vaults/secrets/getSecret/action"))
    return arm_front_fail (call, 403, "Forbidden",
                           "Caller is not authorized to perform action on "
                           "resource.");
  value = json_object_get (vault_of (call), name);
  if (value == NULL)
    return arm_front_fail (call, 404, "SecretNotFound",
                           "A secret with (name/id) %s was not found in this "
                           "key vault.",
                           name);
  return arm_reply (
      call, 200,
      json_pack ("{s:O,s:s,s:o,s:{s:b}}", "value", value, "contentType",
                 "Wrapped BEK", "id",
                 json_sprintf ("%s/secrets/%s/%s", base, name,
                               version ? version
                                       : "0123456789abcdef0123456789abcdef"),
                 "attributes", "enabled", 1));
}

const struct arm_route arm_vault_routes[] = {
    {"GET", "/secrets/{secret}", "vault", "secrets/read", NULL, NULL, NULL,
     ARM_OPEN, get_secret},
    {"GET", "/secrets/{secret}/{version}", "vault", "secrets/read", NULL, NULL,
     NULL, ARM_OPEN, get_secret},
    {0},
};
