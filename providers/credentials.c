#include "credentials.h"

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
