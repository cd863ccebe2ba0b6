#include "lines.h"

#include <regex.h>
#include <string.h>

#include <base/text.h>

static int
compile (regex_t *regex, const char *pattern, struct err **err)
{
  int code = regcomp (regex, pattern, REG_EXTENDED | REG_NOSUB);
  CLEANUP_FREE char *shown = NULL;
  char why[200];

  if (code == 0)
    return 0;
  regerror (code, regex, why, sizeof why);
  shown = text_printable (pattern);
  return err_set (err, ERR_INPUT,
                  "\"%s\" is no extended regular expression: %s", shown, why);
}

int
lines_check_pattern (const char *pattern, struct err **err)
{
  regex_t regex;

  if (compile (&regex, pattern, err) == -1)
    return -1;
  regfree (&regex);
  return 0;
}

/* One line without its end; *end is that: "\n", "\r\n" or "". */
static const char *
line_at (const char *text, size_t left, size_t *len, size_t *end)
{
  const char *newline = memchr (text, '\n', left);

  *len = newline ? (size_t)(newline - text) : left;
  *end = newline ? 1 : 0;
  if (newline && *len && text[*len - 1] == '\r') {
    (*len)--;
    (*end)++;
  }
  return text;
}

int
lines_set (const char *text, size_t len, const char *pattern, const char *line,
           bool add, struct strbuf *out, struct err **err)
{
  bool fitted = false;
  regex_t regex;

  if (compile (&regex, pattern, err) == -1)
    return -1;
  for (size_t at = 0, n, end; at < len; at += n + end) {
    const char *old = line_at (text + at, len - at, &n, &end);
    CLEANUP_FREE char *copy = xstrndup (old, n);

    if (regexec (&regex, copy, 0, NULL, 0) != 0) {
      strbuf_add (out, old, n + end);
      continue;
    }
    fitted = true;
    if (line == NULL)
      continue;
    strbuf_addstr (out, line);
    strbuf_add (out, old + n, end);
  }
  regfree (&regex);
  if (!fitted && add && line) {
    if (out->len && out->buf[out->len - 1] != '\n')
      strbuf_addch (out, '\n');
    strbuf_addf (out, "%s\n", line);
  }
  return 0;
}

/* --- /etc/fstab ------------------------------------------------------------
 */

enum {
  FIELD_SPEC,
  FIELD_MOUNT_POINT,
  FIELD_TYPE,
  FIELD_OPTIONS,
  FIELDS
};

struct field {
  size_t at, len;
};

/* The first four fields of an entry; false: a comment, an empty line, or what
 * mount(8) would not read either. */
static bool
split (const char *line, size_t len, struct field fields[FIELDS])
{
  size_t at = 0;

  for (int i = 0; i < FIELDS; i++) {
    while (at < len && (line[at] == ' ' || line[at] == '\t'))
      at++;
    fields[i].at = at;
    while (at < len && line[at] != ' ' && line[at] != '\t')
      at++;
    fields[i].len = at - fields[i].at;
    if (fields[i].len == 0 || (i == 0 && line[fields[0].at] == '#'))
      return false;
  }
  return true;
}

static char *
field_text (const char *line, struct field field)
{
  return xstrndup (line + field.at, field.len);
}

static bool
has_option (const char *options, const char *name)
{
  size_t len = strlen (name);

  for (const char *p = options; *p; p += strcspn (p, ",")) {
    p += *p == ',';
    if (strncmp (p, name, len) == 0 && (p[len] == ',' || p[len] == '\0'))
      return true;
  }
  return false;
}

static void
let_go (const char *line, size_t len, const struct field fields[FIELDS],
        const struct fstab_edit *edit, struct strbuf *out)
{
  CLEANUP_FREE char *spec = field_text (line, fields[FIELD_SPEC]);
  CLEANUP_FREE char *where = field_text (line, fields[FIELD_MOUNT_POINT]);
  CLEANUP_FREE char *options = field_text (line, fields[FIELD_OPTIONS]);
  size_t after = fields[FIELD_OPTIONS].at + fields[FIELD_OPTIONS].len;
  bool needed = strcmp (where, "/") == 0 || strcmp (where, "/usr") == 0;

  if (has_option (options, "nofail") || has_option (options, "noauto") ||
      edit->where (edit->opaque, spec) != FSTAB_ABSENT) {
    strbuf_add (out, line, len);
    return;
  }
  edit->tell (edit->opaque, spec, where, !needed);
  if (needed)
    strbuf_add (out, line, len);
  else if (edit->comment) {
    strbuf_addstr (out, "#bootmend# ");
    strbuf_add (out, line, len);
  } else {
    strbuf_add (out, line, after);
    strbuf_addstr (out, ",nofail");
    strbuf_add (out, line + after, len - after);
  }
}

void
fstab_let_go (const char *text, size_t len, const struct fstab_edit *edit,
              struct strbuf *out)
{
  for (size_t at = 0, n, end; at < len; at += n + end) {
    const char *line = line_at (text + at, len - at, &n, &end);
    struct field fields[FIELDS];

    if (split (line, n, fields))
      let_go (line, n, fields, edit, out);
    else
      strbuf_add (out, line, n);
    strbuf_add (out, line + n, end);
  }
}

char *
fstab_device_of (const char *text, size_t len, const char *mount_point)
{
  for (size_t at = 0, n, end; at < len; at += n + end) {
    const char *line = line_at (text + at, len - at, &n, &end);
    struct field fields[FIELDS];
    CLEANUP_FREE char *where = NULL;

    if (!split (line, n, fields))
      continue;
    where = field_text (line, fields[FIELD_MOUNT_POINT]);
    if (strcmp (where, mount_point) == 0)
      return field_text (line, fields[FIELD_SPEC]);
  }
  return NULL;
}

/* --- GRUB ------------------------------------------------------------------
 */

#define GRUBENV_BYTES 1024
static const char grubenv_header[] = "# GRUB Environment Block\n";

static bool
is_grubenv (const char *block, size_t len)
{
  return len == GRUBENV_BYTES &&
         strncmp (block, grubenv_header, strlen (grubenv_header)) == 0;
}

static bool
is_key (const char *line, size_t len, const char *key)
{
  size_t n = strlen (key);

  return len > n && strncmp (line, key, n) == 0 && line[n] == '=';
}

char *
grubenv_get (const char *block, size_t len, const char *key)
{
  if (!is_grubenv (block, len))
    return NULL;
  for (size_t at = 0, n, end; at < len; at += n + end) {
    const char *line = line_at (block + at, len - at, &n, &end);
    size_t skip = strlen (key) + 1;

    if (end && is_key (line, n, key))
      return xstrndup (line + skip, n - skip);
  }
  return NULL;
}

int
grubenv_set (const char *block, size_t len, const char *key, const char *value,
             struct strbuf *out, struct err **err)
{
  bool done = false;

  if (!is_grubenv (block, len))
    return err_set (err, ERR_DISK, "is no GRUB environment block");
  for (size_t at = 0, n, end; at < len; at += n + end) {
    const char *line = line_at (block + at, len - at, &n, &end);

    if (end == 0)
      break; /* what fills it up */
    if (!is_key (line, n, key))
      strbuf_add (out, line, n + end);
    else if (!done) {
      strbuf_addf (out, "%s=%s\n", key, value);
      done = true;
    }
  }
  if (!done)
    strbuf_addf (out, "%s=%s\n", key, value);
  if (out->len > GRUBENV_BYTES)
    return err_set (err, ERR_DISK, "the GRUB environment block is full");
  while (out->len < GRUBENV_BYTES)
    strbuf_addch (out, '#');
  return 0;
}

/* What the last pair of quotes of a line holds: an entry's id stands there,
 * "$menuentry_id_option 'ID' {".  [grub2 util/grub.d/10_linux.in] */
static char *
id_of (const char *line, size_t len)
{
  static const char option[] = "menuentry_id_option";
  CLEANUP_FREE char *copy = xstrndup (line, len);
  const char *at = strstr (copy, option), *end;
  char quote;

  if (at == NULL)
    return NULL;
  at += strlen (option);
  at += strspn (at, " \t");
  quote = *at;
  if (quote != '\'' && quote != '"')
    return NULL;
  end = strchr (++at, quote);
  return end && end > at ? xstrndup (at, (size_t)(end - at)) : NULL;
}

/* "linux  /boot/vmlinuz-6.1.0-13-amd64 root=..." */
static char *
kernel_of (const char *line, size_t len)
{
  CLEANUP_FREE char *copy = xstrndup (line, len);
  const char *words[2] = {NULL, NULL};
  char *save = NULL;
  const char *name;

  words[0] = strtok_r (copy, " \t", &save);
  words[1] = words[0] ? strtok_r (NULL, " \t", &save) : NULL;
  if (words[1] == NULL ||
      (strcmp (words[0], "linux") != 0 && strcmp (words[0], "linux16") != 0 &&
       strcmp (words[0], "linuxefi") != 0))
    return NULL;
  name = strrchr (words[1], '/');
  return xstrdup (name ? name + 1 : words[1]);
}

struct menu {
  char *submenu, *entry; /* ids of where we are; NULL: outside */
  bool recovery;
  char *first;    /* kernel of the first entry */
  char *previous; /* what is looked for */
  char *kernel;
};

static bool
starts_with_word (const char *line, size_t len, const char *word)
{
  size_t n = strlen (word);

  return len > n && strncmp (line, word, n) == 0 &&
         (line[n] == ' ' || line[n] == '\t');
}

static void
kernel_line (struct menu *m, char *kernel_taken)
{
  CLEANUP_FREE char *kernel = kernel_taken;

  if (m->first == NULL) {
    m->first = TAKE (kernel);
    return;
  }
  if (m->previous || m->recovery || m->entry == NULL ||
      strcmp (kernel, m->first) == 0)
    return;
  m->previous = m->submenu ? xasprintf ("%s>%s", m->submenu, m->entry)
                           : xstrdup (m->entry);
  m->kernel = TAKE (kernel);
}

static void
menu_line (struct menu *m, const char *line, size_t len)
{
  bool inside = len && (line[0] == ' ' || line[0] == '\t');
  char *kernel;

  while (len && (*line == ' ' || *line == '\t')) {
    line++;
    len--;
  }
  if (starts_with_word (line, len, "submenu")) {
    free (m->submenu);
    m->submenu = id_of (line, len);
  } else if (starts_with_word (line, len, "menuentry")) {
    if (!inside)
      free (TAKE (m->submenu));
    free (m->entry);
    m->entry = id_of (line, len);
    m->recovery = m->entry && strstr (m->entry, "recovery");
  } else if ((kernel = kernel_of (line, len)))
    kernel_line (m, kernel);
}

char *
grub_previous (const char *cfg, size_t len, char **version)
{
  struct menu m = {0};

  for (size_t at = 0, n, end; at < len; at += n + end) {
    const char *line = line_at (cfg + at, len - at, &n, &end);

    menu_line (&m, line, n);
  }
  free (m.submenu);
  free (m.entry);
  free (m.first);
  *version = m.kernel;
  return m.previous;
}
