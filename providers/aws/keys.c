/* Keys as an object: checked, with their end, and never quoted. */

#include "finder.h"

#include <string.h>

#include <base/text.h>
#include <net/mask.h>

#define QUOTE_MAX 300

static bool
has_blanks (const char *text)
{
  for (; *text; text++)
    if ((unsigned char)*text <= ' ' || *text == 0x7f)
      return true;
  return false;
}

static int
check (const char *what, const char *value, const char *source,
       struct err **err)
{
  if (value == NULL || *value == '\0')
    return err_set (err, ERR_INPUT, "%s: the %s is missing", source, what);
  if (has_blanks (value))
    return err_set (err, ERR_INPUT,
                    "%s: the %s holds a blank, which none does: is there a "
                    "comment behind it, or more than it on its line?",
                    source, what);
  return 0;
}

struct credentials *
aws_keys (const char *id, const char *secret, const char *token,
          const char *source, struct err **err)
{
  struct credentials *keys;

  if (check ("access key id", id, source, err) == -1 ||
      check ("secret access key", secret, source, err) == -1 ||
      (token && check ("session token", token, source, err) == -1))
    return NULL;
  keys = xcalloc (1, sizeof *keys);
  keys->access_key_id = xstrdup (id);
  keys->secret_key = secret_new (secret, strlen (secret));
  if (token)
    keys->session_token = secret_new (token, strlen (token));
  keys->expires_wall_ms = INT64_MAX;
  keys->source = xstrdup (source);
  return keys;
}

int
aws_set_expiry (const struct finder *f, struct credentials *keys,
                const char *text, struct err **err)
{
  int64_t at_ms;

  if (time_parse_ms (text, &at_ms) == -1) {
    CLEANUP_FREE char *shown = aws_quote (text, keys);

    return err_set (err, ERR_INPUT,
                    "%s: Expiration is \"%s\", not a time like "
                    "2026-01-31T12:00:00Z",
                    keys->source, shown);
  }
  /* The service's clock says when they end; ours may be wrong. */
  keys->expires_wall_ms = at_ms - f->skew_ms;
  return 0;
}

struct credentials *
aws_keys_from_json (const struct finder *f, const json_t *json,
                    const char *token_name, unsigned need, const char *source,
                    struct err **err)
{
  const char *token = json_str (json, token_name, NULL);
  const char *end = json_str (json, "Expiration", NULL);
  CLEANUP_CREDENTIALS struct credentials *keys = NULL;

  if (!json_is_object (json)) {
    err_set (err, ERR_INPUT, "%s: no JSON object", source);
    return NULL;
  }
  if (token == NULL && (need & NEED_TOKEN)) {
    err_set (err, ERR_INPUT, "%s: \"%s\" is missing", source, token_name);
    return NULL;
  }
  if (end == NULL && (need & NEED_EXPIRATION)) {
    err_set (err, ERR_INPUT, "%s: \"Expiration\" is missing", source);
    return NULL;
  }
  keys = aws_keys (json_str (json, "AccessKeyId", NULL),
                   json_str (json, "SecretAccessKey", NULL),
                   token && *token ? token : NULL, source, err);
  if (keys == NULL || (end && aws_set_expiry (f, keys, end, err) == -1))
    return NULL;
  return TAKE (keys);
}

char *
aws_quote (const char *text, const struct credentials *keys)
{
  /* Behind the first line AWS puts the request that it saw, token included. */
  size_t len = strcspn (text, "\r\n"), masked_len;
  CLEANUP_FREE char *masked = mask_text (text, len, &masked_len);
  CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;

  strbuf_add (&sb, masked, masked_len);
  if (keys && keys->secret_key)
    mask_value (&sb, keys->secret_key);
  if (keys && keys->session_token)
    mask_value (&sb, keys->session_token);
  if (sb.len > QUOTE_MAX) {
    sb.len = QUOTE_MAX;
    sb.buf[sb.len] = '\0';
    strbuf_addstr (&sb, "...");
  }
  return text_printable (sb.buf);
}
