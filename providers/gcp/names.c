#include "names.h"

#include <string.h>

#include <base/strbuf.h>

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
/* Of a name, and of a label's value. [Compute API; "Requirements for labels"]
 */
#define MAX_NAME 63

const char *
gcp_id_of (const char *link)
{
  static const char mark[] = "projects/";
  const char *p = link ? strstr (link, mark) : NULL;

  if (p && (p == link || p[-1] == '/')) {
    p = strchr (p + sizeof mark - 1, '/');
    return p ? p + 1 : "";
  }
  if (link &&
      (strncmp (link, "zones/", 6) == 0 || strncmp (link, "regions/", 8) == 0 ||
       strncmp (link, "global/", 7) == 0))
    return link;
  return "";
}

char *
gcp_project_of (const char *link)
{
  const char *p = link ? strstr (link, "projects/") : NULL;

  if (p == NULL || (p != link && p[-1] != '/'))
    return NULL;
  p += strlen ("projects/");
  return xstrndup (p, strcspn (p, "/"));
}

const char *
gcp_last (const char *link)
{
  const char *slash = strrchr (link, '/');

  return slash ? slash + 1 : link;
}

char *
gcp_zone_of (const char *id)
{
  if (strncmp (id, "zones/", 6) != 0)
    return xstrdup ("");
  return xstrndup (id + 6, strcspn (id + 6, "/"));
}

char *
gcp_scope_of (const char *id)
{
  size_t len = strcspn (id, "/");

  if (strncmp (id, "global/", 7) != 0 && id[len] == '/')
    len += 1 + strcspn (id + len + 1, "/");
  return xstrndup (id, len);
}

bool
gcp_is_a (const char *id, const char *kind)
{
  CLEANUP_FREE char *scope = gcp_scope_of (id);
  const char *rest = id + strlen (scope);
  size_t len = strlen (kind);

  return *rest == '/' && strncmp (rest + 1, kind, len) == 0 &&
         rest[1 + len] == '/' && gcp_is_name (rest + len + 2);
}

/* --- what may be one ------------------------------------------------------ */

bool
gcp_is_name (const char *text)
{
  size_t len = strlen (text);

  return len > 0 && len <= MAX_NAME && strchr (LOWER, *text) &&
         strspn (text, LOWER DIGITS "-") == len && text[len - 1] != '-';
}

bool
gcp_is_region (const char *text)
{
  size_t len = strlen (text);

  return gcp_is_name (text) && strchr (text, '-') &&
         strchr (DIGITS, text[len - 1]);
}

bool
gcp_is_zone (const char *text)
{
  size_t len = strlen (text);
  CLEANUP_FREE char *region = len > 2 ? xstrndup (text, len - 2) : xstrdup ("");

  return len > 2 && text[len - 2] == '-' && strchr (LOWER, text[len - 1]) &&
         gcp_is_region (region);
}

/* "my-project", and of old: "example.com:my-project". [Resource Manager,
 * projects] */
bool
gcp_is_project (const char *text)
{
  const char *colon = strrchr (text, ':');
  const char *name = colon ? colon + 1 : text;

  if (colon && (colon == text ||
                strspn (text, LOWER DIGITS "-.") != (size_t)(colon - text)))
    return false;
  return gcp_is_name (name) ||
         (*name && strspn (name, DIGITS) == strlen (name));
}

/* --- making ones ---------------------------------------------------------- */

/* FNV-1a */
unsigned
gcp_hash (const char *text)
{
  unsigned h = 2166136261u;

  for (; *text; text++)
    h = (h ^ (unsigned char)*text) * 16777619u;
  return h;
}

static char *
made_of (const char *text, const char *allowed, bool name)
{
  CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;
  CLEANUP_FREE char *cut = NULL;

  if (name && (*text == '\0' ||
               (!strchr (LOWER, *text) && !(*text >= 'A' && *text <= 'Z'))))
    strbuf_addch (&sb, 'b');
  for (const char *p = text; *p; p++) {
    char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;

    strbuf_addch (&sb, strchr (allowed, c) ? c : '-');
  }
  strbuf_addstr (&sb, "");
  if (name && sb.len && sb.buf[sb.len - 1] == '-')
    strbuf_addch (&sb, 'x');
  if (sb.len <= MAX_NAME)
    return strbuf_take (&sb);
  cut = strbuf_take (&sb);
  return xasprintf ("%.*s-%08x", MAX_NAME - 9, cut, gcp_hash (text));
}

char *
gcp_name_of (const char *text)
{
  return made_of (text, LOWER DIGITS "-", true);
}

char *
gcp_label_of (const char *text)
{
  return made_of (text, LOWER DIGITS "-_", false);
}
