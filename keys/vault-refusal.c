/* What a Key Vault says when it does not give what was asked for.
 *
 * {"error": {"code", "message", "innererror": {"code"}}} [Key Vault REST API,
 * "Error codes"; the inner codes as users quote them in Azure's public issue
 * trackers; of some libraries the member is called innerError] */

#include "vault.h"

#include <string.h>

#include <base/text.h>
#include <net/mask.h>

#define QUOTE_MAX 240

static const struct {
  const char *inner;
  enum err_code code;
  const char *advice;
} rows[] = {
    {"SecretDisabled", ERR_REFUSED, "enable it in the vault"},
    {"ForbiddenByFirewall", ERR_UNREACHABLE,
     "its firewall does not let this machine in: add its address under "
     "Networking of the vault, or run bootmend from a network that is let in"},
    {"ForbiddenByConnection", ERR_UNREACHABLE,
     "it takes calls by a private link only: run bootmend in that network"},
    {"ForbiddenByPolicy", ERR_DENIED, "needed is " VAULT_RIGHTS},
    {"ForbiddenByRbac", ERR_DENIED,
     "needed is the role \"Key Vault Secrets User\" on the vault; a fresh "
     "assignment takes some minutes"},
    {"AccessDenied", ERR_DENIED,
     "needed is an access policy of the vault with the secret permissions get "
     "and list"},
    {"", ERR_DENIED, "needed is " VAULT_RIGHTS},
};

/* One line, nothing secret, not long. */
static char *
quote (const char *text)
{
  size_t len = strcspn (text, "\r\n"), masked_len;
  CLEANUP_FREE char *masked = mask_text (text, len, &masked_len);
  CLEANUP_FREE char *cut =
      xstrndup (masked, masked_len < QUOTE_MAX ? masked_len : QUOTE_MAX);

  return text_printable (cut);
}

static int
forbidden (const char *what, const char *inner, const char *said,
           struct err **err)
{
  size_t i = 0;

  while (rows[i].inner[0] && strcmp (rows[i].inner, inner) != 0)
    i++;
  return err_set (err, rows[i].code, "it may not %s (HTTP 403%s%s): %s; %s",
                  what, *inner ? " " : "", inner, said, rows[i].advice);
}

int
vault_refusal (const char *host, const char *what,
               const struct http_reply *reply, struct err **err)
{
  CLEANUP_JSON json_t *body =
      json_parse_secret (reply->body, reply->body_len, host, NULL);
  const char *code = json_str (body, "error.code", "");
  const char *inner = json_str (body, "error.innererror.code",
                                json_str (body, "error.innerError.code", ""));
  CLEANUP_FREE char *said = quote (json_str (body, "error.message", ""));
  CLEANUP_FREE char *shown = quote (inner);

  if (reply->status == 404 && strcmp (code, "SecretNotFound") == 0)
    return 0;
  if (reply->status == 403 && *code)
    return forbidden (what, shown, said, err);
  if (reply->status == 401)
    return err_set (err, ERR_AUTH,
                    "%s does not accept the token (HTTP 401): %s; if the vault "
                    "is in another tenant than the credentials, give "
                    "--azure-tenant or AZURE_TENANT_ID",
                    host, *said ? said : "nothing more is said");
  if (reply->status == 429)
    return err_set (err, ERR_THROTTLED,
                    "%s limits calls (HTTP 429): %s; try these VMs again later",
                    host, *said ? said : "nothing more is said");
  if (*code == '\0' && reply->status < 500)
    return err_set (err, ERR_PROTOCOL,
                    "what answers at %s is no Key Vault (HTTP %d)", host,
                    reply->status);
  return err_set (err, http_status_code (reply->status, true),
                  "%s can't %s now (HTTP %d): %s", host, what, reply->status,
                  *said ? said : "nothing more is said");
}
