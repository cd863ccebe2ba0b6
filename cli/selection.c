#include "selection.h"

#include <string.h>

#include <base/files.h>
#include <base/strbuf.h>

/* A million ids. */
#define MAX_BYTES (32 * 1024 * 1024)

struct reading {
  json_t *selectors;
  bool stdin_used;
};

static int
read_text (struct reading *r, const char *name, char **text, struct err **err)
{
  bool is_stdin = strcmp (name, "-") == 0;
  const char *shown = is_stdin ? "the standard input" : name;
  size_t len;

  if (*name == '\0')
    return err_set (err, ERR_USAGE,
                    "@ needs the name of a file, or - for the "
                    "standard input");
  if (is_stdin && r->stdin_used)
    return err_set (err, ERR_USAGE,
                    "@-: the standard input can be read only once");
  r->stdin_used = r->stdin_used || is_stdin;
  if (file_read (is_stdin ? "/dev/stdin" : name, MAX_BYTES, text, &len, err) ==
      -1)
    return err_wrap (err, "@%s", name);
  if (strlen (*text) != len)
    return err_set (err, ERR_INPUT, "%s: has a zero byte: is it a text file?",
                    shown);
  return 0;
}

static char *
trimmed (char *word)
{
  size_t len;

  /* What some editors put before the first word of a file. */
  if (strncmp (word, "\xef\xbb\xbf", 3) == 0)
    word += 3;
  word += strspn (word, " \t\r");
  for (len = strlen (word); len && strchr (" \t\r", word[len - 1]); len--)
    word[len - 1] = '\0';
  return word;
}

/* Calls add () for each word; how many there were. */
static size_t
each_word (char *text, const char *between,
           void (*add) (void *opaque, const char *word), void *opaque)
{
  size_t n = 0;
  char *line;

  while ((line = strsep (&text, "\n"))) {
    char *word;

    line = trimmed (line);
    if (*line == '#')
      continue;
    while ((word = strsep (&line, between)))
      if (*(word = trimmed (word))) {
        add (opaque, word);
        n++;
      }
  }
  return n;
}

static void
add_joined (void *opaque, const char *word)
{
  struct strbuf *sb = opaque;

  strbuf_addf (sb, "%s%s", sb->len ? "," : "", word);
}

static void
add_selector (void *opaque, const char *word)
{
  json_t *text = json_string (word);

  json_array_append_new (opaque, text ? text : json_string ("(not UTF-8)"));
}

static int
none_in (const char *name, struct err **err)
{
  return err_set (err, ERR_INPUT, "@%s: names no VM", name);
}

/* The words of a file in the place of "@FILE". */
static int
add_file (struct reading *r, const char *name, struct strbuf *sb,
          struct err **err)
{
  CLEANUP_FREE char *text = NULL;
  CLEANUP_STRBUF struct strbuf words = STRBUF_EMPTY;

  if (read_text (r, name, &text, err) == -1)
    return -1;
  if (each_word (text, "\t", add_joined, &words) == 0)
    return none_in (name, err);
  strbuf_addstr (sb, words.buf);
  return 0;
}

/* The end of the word that begins there: a comma that is not written \, */
static const char *
word_end (const char *word)
{
  while (*word && *word != ',')
    word += *word == '\\' && word[1] ? 2 : 1;
  return word;
}

static int
add_argument (struct reading *r, const char *arg, struct err **err)
{
  const char *word = strchr (arg, ':');
  CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;

  if (word == NULL) {
    add_selector (r->selectors, arg);
    return 0;
  }
  strbuf_add (&sb, arg, (size_t)(++word - arg));
  for (;;) {
    const char *end = word_end (word);
    CLEANUP_FREE char *one = xstrndup (word, (size_t)(end - word));

    if (one[0] != '@')
      strbuf_addstr (&sb, one);
    else if (add_file (r, one + 1, &sb, err) == -1)
      return err_wrap (err, "%s", arg);
    if (*end == '\0')
      break;
    strbuf_addch (&sb, ',');
    word = end + 1;
  }
  add_selector (r->selectors, sb.buf);
  return 0;
}

struct listing {
  struct reading *reading;
  struct err *err;
};

static void
add_line (void *opaque, const char *line)
{
  struct listing *listing = opaque;

  if (listing->err == NULL)
    (void)!add_argument (listing->reading, line, &listing->err);
}

static int
add_list (struct reading *r, const char *name, struct err **err)
{
  CLEANUP_FREE char *text = NULL;
  struct listing listing = {.reading = r};
  size_t n;

  if (read_text (r, name, &text, err) == -1)
    return -1;
  n = each_word (text, "\t", add_line, &listing);
  if (listing.err) {
    err_move (err, listing.err);
    return err_wrap (err, "@%s", name);
  }
  return n ? 0 : none_in (name, err);
}

json_t *
selection_read (const struct str_vec *args, struct err **err)
{
  CLEANUP_JSON json_t *selectors = json_array ();
  struct reading r = {.selectors = selectors};

  for (size_t i = 0; i < args->len; i++) {
    const char *arg = args->ptr[i];

    if ((arg[0] == '@' ? add_list (&r, arg + 1, err)
                       : add_argument (&r, arg, err)) == -1)
      return NULL;
  }
  return TAKE (selectors);
}
