#include "credentials.h"

#include <base/log.h>

void
credentials_free (struct credentials *credentials)
{
  if (credentials == NULL)
    return;
  free (credentials->access_key_id);
  secret_free (credentials->secret_key);
  secret_free (credentials->session_token);
  secret_free (credentials->bearer);
  free (credentials->source);
  strv_free (credentials->warnings);
  free (credentials);
}

void
cleanup_credentials (struct credentials **credentials)
{
  credentials_free (*credentials);
}

void
credentials_tried (struct strbuf *list, const char *provider,
                   const char *source, const char *fmt, va_list args)
{
  CLEANUP_FREE char *why = xvasprintf (fmt, args);

  log_debug ("%s: credentials: %s: %s", provider, source, why);
  strbuf_addf (list, "%s%s (%s)", list->len ? ", " : "", source, why);
}

struct http_auth
credentials_auth (const struct credentials *credentials)
{
  struct http_auth auth = {
      .bearer = credentials->bearer,
      .access_key_id = credentials->access_key_id,
      .secret_key = credentials->secret_key,
      .session_token = credentials->session_token,
  };

  return auth;
}
