#include "rest.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>

/* ---- addresses ---- */

void
fake_url_split (const char *url, struct fake_url *parts)
{
  const char *start = strstr (url, "://"), *path;
  const char *mark;

  start = start ? start + 3 : url;
  path = start + strcspn (start, "/?");
  parts->base = xstrndup (url, (size_t)(path - url));
  parts->host = xstrndup (start, (size_t)(path - start));
  mark = strchr (path, '?');
  parts->path = xstrndup (path, mark ? (size_t)(mark - path) : strlen (path));
  parts->query = xstrdup (mark ? mark + 1 : "");
  if (*parts->path == '\0') {
    free (parts->path);
    parts->path = xstrdup ("/");
  }
}

void
fake_url_release (struct fake_url *parts)
{
  free (parts->base);
  free (parts->host);
  free (parts->path);
  free (parts->query);
}

/* NULL: a bad escape. */
static char *
decoded (const char *text, size_t len)
{
  CLEANUP_STRBUF struct strbuf form = STRBUF_EMPTY;
  CLEANUP_JSON json_t *into = json_object ();

  strbuf_addstr (&form, "x=");
  for (size_t i = 0; i < len; i++) /* "+" is itself in a path */
    if (text[i] == '+')
      strbuf_addstr (&form, "%2B");
    else if (text[i] == '&')
      strbuf_addstr (&form, "%26");
    else
      strbuf_addch (&form, text[i]);
  if (fake_form_parse (form.buf, form.len, into) < 0)
    return NULL;
  return xstrdup (json_str (into, "x", ""));
}

/* One segment; both texts begin behind a slash. */
static bool
segment_fits (const char *pattern, size_t pattern_len, const char *text,
              size_t len, bool fold_case, json_t *found)
{
  CLEANUP_FREE char *name = NULL, *value = NULL;

  if (pattern_len < 3 || *pattern != '{')
    return pattern_len == len &&
           (fold_case ? strncasecmp (pattern, text, len)
                      : strncmp (pattern, text, len)) == 0;
  name = xstrndup (pattern + 1, pattern_len - 2);
  value = len ? decoded (text, len) : NULL;
  return value && json_object_set_new (found, name, json_string (value)) == 0;
}

bool
fake_path_match (const char *pattern, const char *path, bool fold_case,
                 json_t *into)
{
  CLEANUP_JSON json_t *found = json_object ();

  while (*pattern == '/' && *path == '/') {
    size_t pattern_len = strcspn (++pattern, "/");
    size_t len = strcspn (++path, "/");

    if (!segment_fits (pattern, pattern_len, path, len, fold_case, found))
      return false;
    pattern += pattern_len;
    path += len;
  }
  if (*pattern || *path)
    return false;
  json_object_update (into, found);
  return true;
}

/* ---- bodies ---- */

json_t *
fake_visible (const json_t *body)
{
  const char *key;
  json_t *value, *made;
  size_t i;

  if (json_is_array (body)) {
    made = json_array ();
    json_array_foreach ((json_t *)body, i, value)
    {
      json_array_append_new (made, fake_visible (value));
    }
    return made;
  }
  if (!json_is_object (body))
    return json_deep_copy (body);
  made = json_object ();
  json_object_foreach ((json_t *)body, key, value)
  {
    if (*key != '_')
      json_object_set_new (made, key, fake_visible (value));
  }
  return made;
}

void
fake_keep (const json_t *spec, json_t *body, const struct fake_kept *rows)
{
  for (; rows->name; rows++)
    if (json_object_get (spec, rows->name))
      json_object_set_new (body, rows->as,
                           json_deep_copy (json_object_get (spec, rows->name)));
}

static json_t *
numbered (const json_t *spec, size_t n)
{
  const char *text = json_string_value (spec), *mark;
  json_t *made, *element;
  const char *key;
  size_t i;

  if (json_is_object (spec)) {
    made = json_object ();
    json_object_foreach ((json_t *)spec, key, element)
    {
      json_put (made, key, numbered (element, n));
    }
    return made;
  }
  if (json_is_array (spec)) {
    made = json_array ();
    json_array_foreach ((json_t *)spec, i, element)
    {
      json_array_append_new (made, numbered (element, n));
    }
    return made;
  }
  mark = text ? strstr (text, "{n}") : NULL;
  if (mark) {
    CLEANUP_FREE char *new =
        xasprintf ("%.*s%zu%s", (int)(mark - text), text, n, mark + 3);

    return json_string (new);
  }
  return json_deep_copy (spec);
}

int
fake_add_each (struct fake_cloud *cloud, const json_t *spec,
               int (*add) (struct fake_cloud *cloud, const json_t *one,
                           struct err **err),
               struct err **err)
{
  const json_t *zones = json_object_get (spec, "zone");
  int64_t count = json_int (spec, "count", 1);

  for (size_t n = 0; (int64_t)n < count; n++) {
    CLEANUP_JSON json_t *one = numbered (spec, n + 1);

    if (json_array_size (zones))
      json_object_set (one, "zone",
                       json_array_get (zones, n % json_array_size (zones)));
    if (add (cloud, one, err) < 0)
      return -1;
  }
  return 0;
}

void
fake_reply_text (struct fake_call *call, int status, const char *type,
                 char *text_taken)
{
  call->reply->status = status;
  if (type)
    http_header_add (&call->reply->headers, "Content-Type", type);
  free (call->reply->body);
  call->reply->body = text_taken;
  call->reply->body_len = strlen (text_taken);
}

void
fake_result (struct fake_call *call, const char *result)
{
  free (call->result);
  call->result = xstrdup (result);
}
