#include "changes.h"

#include <string.h>

#include <base/strbuf.h>

/* Names that are given before "and N more". */
#define NAMED 2

static const struct {
  const char *action, *done;
} verbs[] = {
    {"delete", "deleted"}, {"quarantine", "quarantined"},
    {"rename", "renamed"}, {"write", "wrote"},
    {"copy", "copied"},
};

static const char *
verb (const char *action, bool would)
{
  for (size_t i = 0; !would && i < ARRAY_SIZE (verbs); i++)
    if (strcmp (verbs[i].action, action) == 0)
      return verbs[i].done;
  return would ? action : "changed"; /* of a newer agent */
}

/* The name without its folder; of a folder "/" that is the path itself. */
static const char *
short_name (const char *path)
{
  const char *slash = strrchr (path, '/');

  return slash && slash[1] ? slash + 1 : path;
}

static void
add_one (struct strbuf *sb, const json_t *change, const char *action)
{
  const char *path = json_str (change, "path", "?");
  const char *source = json_str (change, "source", NULL);
  const char *to = json_str (change, "to", NULL);

  if (source)
    strbuf_addf (sb, "%s to ", short_name (source));
  strbuf_addstr (sb, short_name (source && to ? to : path));
  /* Where a quarantined thing is does not fit in a few words. */
  if (to && source == NULL && strcmp (action, "quarantine") != 0)
    strbuf_addf (sb, " to %s", short_name (to));
}

char *
changes_text (const json_t *changes, bool would)
{
  struct strbuf sb = STRBUF_EMPTY;
  const char *before = NULL;
  json_t *change;
  size_t i;

  json_array_foreach (changes, i, change)
  {
    const char *action = json_str (change, "action", "change");

    if (i == NAMED) {
      strbuf_addf (&sb, " and %zu more", json_array_size (changes) - i);
      break;
    }
    strbuf_addstr (&sb, i ? ", " : would ? "would " : "");
    if (before == NULL || strcmp (before, action) != 0)
      strbuf_addf (&sb, "%s ", verb (action, would));
    add_one (&sb, change, action);
    before = action;
  }
  return strbuf_take (&sb);
}
