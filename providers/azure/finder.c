/* What all sources need: variables, the network, and a list of what was looked
 * at. */

#include "finder.h"

#include <stdlib.h>
#include <string.h>

#include <base/text.h>
#include <net/curl-transport.h>
#include <net/mask.h>

#define QUOTE_MAX 300

void
azure_finder_init (struct azure_finder *f,
                   const struct azure_surroundings *around,
                   const struct binding *b, const char *audience)
{
  bool vault = audience && strcmp (audience, "vault") == 0;

  memset (f, 0, sizeof *f);
  f->around = around;
  f->binding = b;
  f->transport = around->transport;
  f->resource = json_str (b->config, vault ? "vault-resource" : "resource",
                          vault ? "https://vault.azure.net"
                                : "https://management.azure.com");
  strbuf_addstr (&f->tried, "");
}

void
azure_finder_release (struct azure_finder *f)
{
  transport_free (f->own_transport);
  strbuf_release (&f->tried);
}

const char *
azure_variable (const struct azure_finder *f, const char *name)
{
  const char *value = f->around->variable (f->around->opaque, name);

  return value && *value ? value : NULL;
}

const char *
azure_setting (const struct azure_finder *f, const char *option,
               const char *name)
{
  const char *value = json_str (f->binding->config, option, "");

  return *value ? value : azure_variable (f, name);
}

void
azure_tried (struct azure_finder *f, const char *source, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  credentials_tried (&f->tried, "azure", source, fmt, args);
  va_end (args);
}

char *
azure_quote (const char *text)
{
  size_t len = strcspn (text, "\r\n"), masked_len;
  CLEANUP_FREE char *masked = mask_text (text, len, &masked_len);
  CLEANUP_FREE char *cut =
      xstrndup (masked, masked_len < QUOTE_MAX ? masked_len : QUOTE_MAX);

  return text_printable (cut);
}

int
azure_fetch (struct azure_finder *f, const struct http_request *req,
             const struct fetch_options *options, struct fetched *got,
             struct err **err)
{
  struct transport_options made = {.clock = f->around->clock,
                                   .max_in_flight = 1,
                                   .max_reply_bytes = 1 << 20};
  struct fetch_options all = options ? *options : (struct fetch_options){0};

  all.clock = f->around->clock;
  made.ca_file = json_str (f->binding->config, "ca-file", NULL);
  if (f->transport == NULL)
    f->transport = f->own_transport = curl_transport_new (&made, err);
  if (f->transport == NULL ||
      fetch (f->transport, req, NULL, &all, got, err) == -1)
    return -1;
  f->skew_ms = got->skew_known ? got->skew_ms : 0;
  return 0;
}

/* Numbers come as numbers (Entra) or as texts (IMDS). */
static int64_t
number (const json_t *json, const char *key)
{
  const json_t *value = json_object_get (json, key);

  if (json_is_string (value))
    return strtoll (json_string_value (value), NULL, 10);
  return json_is_number (value) ? (int64_t)json_number_value (value) : 0;
}

struct credentials *
azure_token (const struct azure_finder *f, const json_t *json,
             const char *source, struct err **err)
{
  const char *token = json_str (json, "access_token", "");
  int64_t now = clock_wall_ms (f->around->clock);
  int64_t lives = number (json, "expires_in");
  int64_t until = number (json, "expires_on");
  struct credentials *found;

  if (*token == '\0' || strpbrk (token, " \t\r\n") ||
      (lives <= 0 && until <= 0)) {
    err_set (err, ERR_AUTH,
             "%s: what answers there is no token service: its reply holds no "
             "token, or no end of it; is there a proxy in between?",
             source);
    return NULL;
  }
  found = xcalloc (1, sizeof *found);
  found->bearer = secret_new (token, strlen (token));
  found->expires_wall_ms =
      lives > 0 ? now + lives * 1000 : until * 1000 - f->skew_ms;
  found->source = xstrdup (source);
  return found;
}
