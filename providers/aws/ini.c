#include "ini.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>
#include <base/vec.h>

#define BLANKS      " \t\r\f\v"
#define MAX_ENTRIES 20000

struct entry {
  size_t section; /* index */
  const char *key;
  char *value;
};

struct section {
  const char *name;
  unsigned line;
};

DEFINE_VEC (struct entry, entries);
DEFINE_VEC (struct section, sections);

struct ini {
  struct secret *text;
  struct sections sections;
  struct entries entries;
};

struct parsing {
  struct ini *ini;
  const char *what;
  unsigned line;
  size_t indent; /* of the last key */
  char *end;     /* of the value that can go on; NULL: none can */
};

void
ini_free (struct ini *ini)
{
  if (ini == NULL)
    return;
  secret_free (ini->text);
  sections_release (&ini->sections);
  entries_release (&ini->entries);
  free (ini);
}

static int
bad (const struct parsing *p, struct err **err, const char *why,
     const char *name)
{
  CLEANUP_FREE char *shown = name ? text_printable (name) : NULL;

  return err_set (err, ERR_INPUT, "%s: line %u: %s%s%s", p->what, p->line, why,
                  shown ? ": " : "", shown ? shown : "");
}

/* ---- one line, already without blanks around it ---- */

static int
take_header (struct parsing *p, char *text, struct err **err)
{
  char *close = strrchr (text, ']');
  struct section section = {text + 1, p->line};

  if (close == NULL || close == text + 1)
    return bad (p, err, "a section's name without its ]", NULL);
  *close = '\0';
  if (strcmp (section.name, "DEFAULT") != 0)
    for (size_t i = 0; i < p->ini->sections.len; i++)
      if (strcmp (p->ini->sections.ptr[i].name, section.name) == 0)
        return bad (p, err, "this section is there twice", section.name);
  sections_push (&p->ini->sections, section);
  p->end = NULL;
  return 0;
}

/* Ends what [from, to) holds, without the blanks at its end. */
static void
cut (char *from, char *to)
{
  while (to > from && strchr (BLANKS "\n", to[-1]))
    to--;
  *to = '\0';
}

static int
take_setting (struct parsing *p, char *text, size_t len, struct err **err)
{
  size_t key_len = strcspn (text, "=:");
  struct entry entry = {.section = p->ini->sections.len - 1, .key = text};

  if (p->ini->sections.len == 0)
    return bad (p, err, "a setting before the first [section]", NULL);
  /* What the line holds may be a secret: it is not shown. */
  if (key_len == len || key_len == 0)
    return bad (p, err, "neither [section] nor key = value", NULL);
  entry.value = text + key_len + 1;
  entry.value += strspn (entry.value, BLANKS);
  cut (text, text + key_len);
  for (char *c = text; *c; c++)
    if (*c >= 'A' && *c <= 'Z')
      *c = (char)(*c - 'A' + 'a');
  for (size_t i = p->ini->entries.len; i > 0; i--) {
    const struct entry *other = &p->ini->entries.ptr[i - 1];

    if (other->section != entry.section)
      break;
    if (strcmp (other->key, entry.key) == 0)
      return bad (p, err, "this key is there twice in its section", entry.key);
  }
  if (p->ini->entries.len == MAX_ENTRIES)
    return bad (p, err, "too many settings", NULL);
  entries_push (&p->ini->entries, entry);
  p->end = text + len;
  return 0;
}

/* The value moves together over what was between its lines: there is always
 * room, as a newline and an indentation go and one newline comes. */
static void
go_on (struct parsing *p, const char *text, size_t len)
{
  *p->end++ = '\n';
  memmove (p->end, text, len);
  p->end += len;
  *p->end = '\0';
}

static int
take_line (struct parsing *p, char *line, size_t len, struct err **err)
{
  size_t indent = strspn (line, BLANKS);
  char *text = line + indent;

  while (len > indent && strchr (BLANKS, line[len - 1]))
    len--;
  len -= indent < len ? indent : len;
  text[len] = '\0';
  if (*text == '#' || *text == ';')
    return 0;
  if (len == 0) {
    if (p->end)
      go_on (p, "", 0);
    return 0;
  }
  if (p->end && indent > p->indent) {
    go_on (p, text, len);
    return 0;
  }
  p->indent = indent;
  if (*text == '[')
    return take_header (p, text, err);
  return take_setting (p, text, len, err);
}

static int
take_lines (struct parsing *p, char *text, struct err **err)
{
  if (strncmp (text, "\xef\xbb\xbf", 3) == 0)
    text += 3; /* editors on Windows write one */
  while (text) {
    char *newline = strchr (text, '\n');
    size_t len = newline ? (size_t)(newline - text) : strlen (text);

    if (newline)
      *newline = '\0';
    p->line++;
    if (take_line (p, text, len, err) == -1)
      return -1;
    text = newline ? newline + 1 : NULL;
  }
  return 0;
}

struct ini *
ini_parse (struct secret *text, const char *what, struct err **err)
{
  struct parsing p = {.ini = xcalloc (1, sizeof *p.ini), .what = what};
  int ret;

  p.ini->text = text;
  if (text->len > INI_MAX_BYTES)
    ret = err_set (err, ERR_INPUT, "%s: larger than %d bytes", what,
                   INI_MAX_BYTES);
  else if (strlen (text->data) != text->len)
    ret = err_set (err, ERR_INPUT, "%s: no text file: it holds a zero byte",
                   what);
  else
    ret = take_lines (&p, text->data, err);
  if (ret == -1) {
    ini_free (p.ini);
    return NULL;
  }
  for (size_t i = 0; i < p.ini->entries.len; i++) {
    char *value = p.ini->entries.ptr[i].value;

    cut (value, value + strlen (value));
  }
  return p.ini;
}

/* ---- looking ---- */

static const char *
get_own (const struct ini *ini, const char *section, const char *key)
{
  for (size_t i = 0; i < ini->entries.len; i++) {
    const struct entry *e = &ini->entries.ptr[i];

    if (strcmp (e->key, key) == 0 &&
        strcmp (ini->sections.ptr[e->section].name, section) == 0)
      return e->value;
  }
  return NULL;
}

const char *
ini_get (const struct ini *ini, const char *section, const char *key)
{
  const char *value;

  if (!ini_has_section (ini, section))
    return NULL;
  value = get_own (ini, section, key);
  return value ? value : get_own (ini, "DEFAULT", key);
}

bool
ini_has_section (const struct ini *ini, const char *section)
{
  for (size_t i = 0; i < ini->sections.len; i++)
    if (strcmp (ini->sections.ptr[i].name, section) == 0)
      return strcmp (section, "DEFAULT") != 0;
  return false;
}

const char *
ini_section (const struct ini *ini, size_t i)
{
  return i < ini->sections.len ? ini->sections.ptr[i].name : NULL;
}

char *
ini_nested (const char *lines, const char *name)
{
  size_t name_len = strlen (name);

  while (lines) {
    const char *equals;
    size_t len;

    lines += strspn (lines, BLANKS "\n");
    len = strcspn (lines, "\n");
    equals = memchr (lines, '=', len);
    if (equals && strncasecmp (lines, name, name_len) == 0 &&
        lines + name_len + strspn (lines + name_len, BLANKS) == equals) {
      char *value;

      equals++;
      equals += strspn (equals, BLANKS);
      value = equals < lines + len
                  ? xstrndup (equals, (size_t)(lines + len - equals))
                  : xstrdup ("");
      cut (value, value + strlen (value));
      return value;
    }
    lines = strchr (lines, '\n');
  }
  return NULL;
}
