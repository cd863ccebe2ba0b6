#include "option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <base/strbuf.h>
#include <base/text.h>

#include "suggest.h"

struct options *
options_new (const struct option_set *set)
{
  struct options *o = xcalloc (1, sizeof *o);

  o->set = set;
  o->values = xcalloc (set->n, sizeof o->values[0]);
  return o;
}

void
options_free (struct options *o)
{
  if (o == NULL)
    return;
  for (size_t i = 0; i < o->set->n; i++)
    str_vec_free_all (&o->values[i].texts);
  str_vec_free_all (&o->args);
  free (o->values);
  free (o);
}

void
cleanup_options (struct options **o)
{
  options_free (*o);
}

const struct option_row *
option_find (const struct option_set *set, const char *name, size_t len)
{
  for (size_t i = 0; i < set->n; i++)
    if (strlen (set->rows[i].name) == len &&
        strncmp (set->rows[i].name, name, len) == 0)
      return &set->rows[i];
  return NULL;
}

const struct option_row *
option_find_letter (const struct option_set *set, uint64_t groups, char letter)
{
  for (size_t i = 0; i < set->n; i++)
    if (set->rows[i].letter == letter && (set->rows[i].groups & groups))
      return &set->rows[i];
  return NULL;
}

/* ---- reading ---- */

static int
unknown_option (const struct option_set *set, uint64_t groups, const char *name,
                size_t len, struct err **err)
{
  CLEANUP_FREE char *word = xstrndup (name, len);
  CLEANUP_FREE const char **names = xcalloc (set->n, sizeof *names);
  const struct option_row *row = option_find (set, name, len);
  const char *near;
  size_t n = 0;

  if (row)
    return err_set (err, ERR_USAGE, "--%s: this command has no such option",
                    word);
  for (size_t i = 0; i < set->n; i++)
    if (set->rows[i].groups & groups)
      names[n++] = set->rows[i].name;
  near = suggest (word, names, n);
  if (near)
    return err_set (err, ERR_USAGE, "--%s: no such option; did you mean --%s?",
                    word, near);
  return err_set (err, ERR_USAGE, "--%s: no such option", word);
}

static int
check_number (const struct option_row *row, const char *text, int64_t value,
              struct err **err)
{
  const char *unit = row->type == OPTION_DURATION ? " ms" : "";

  if (value < row->least)
    return err_set (err, ERR_USAGE, "--%s: '%s' is less than %lld%s", row->name,
                    text, (long long)row->least, unit);
  if (row->most && value > row->most)
    return err_set (err, ERR_USAGE, "--%s: '%s' is more than %lld%s", row->name,
                    text, (long long)row->most, unit);
  return 0;
}

static int
read_number (const struct option_row *row, const char *text, int64_t *value,
             struct err **err)
{
  char *end;

  if (row->type == OPTION_DURATION) {
    if (text_parse_duration_ms (text, value) == -1)
      return err_set (err, ERR_USAGE,
                      "--%s: '%s' is no time (write 90s, 5m, 2h)", row->name,
                      text);
    return check_number (row, text, *value, err);
  }
  errno = 0;
  *value = strtoll (text, &end, 10);
  if (end == text || *end || text[0] == ' ' || text[0] == '+')
    return err_set (err, ERR_USAGE, "--%s: '%s' is no number", row->name, text);
  if (errno)
    return err_set (err, ERR_USAGE, "--%s: '%s' is too large", row->name, text);
  return check_number (row, text, *value, err);
}

static int
check_choice (const struct option_row *row, const char *text, struct err **err)
{
  CLEANUP_FREE char *copy = xstrdup (row->choices);
  const char *words[16];
  struct strbuf list = STRBUF_EMPTY;
  CLEANUP_FREE char *list_text = NULL;
  const char *near;
  size_t n = 0;

  for (char *save = NULL, *word = strtok_r (copy, " ", &save);
       word && n < ARRAY_SIZE (words); word = strtok_r (NULL, " ", &save)) {
    if (strcmp (word, text) == 0) {
      strbuf_release (&list);
      return 0;
    }
    words[n++] = word;
    strbuf_addf (&list, "%s%s", n > 1 ? ", " : "", word);
  }
  list_text = strbuf_take (&list);
  near = suggest (text, words, n);
  if (near)
    return err_set (err, ERR_USAGE,
                    "--%s: '%s' is none of %s; did you mean %s?", row->name,
                    text, list_text, near);
  return err_set (err, ERR_USAGE, "--%s: '%s' is none of %s", row->name, text,
                  list_text);
}

static int
check_value (const struct option_row *row, const char *text, struct err **err)
{
  const char *equals = strchr (text, '=');
  int64_t number;

  switch (row->type) {
  case OPTION_INT:
  case OPTION_DURATION:
    return read_number (row, text, &number, err);
  case OPTION_CHOICE:
    return check_choice (row, text, err);
  case OPTION_PAIR:
    if (equals == NULL || equals == text)
      return err_set (err, ERR_USAGE, "--%s: '%s' is not NAME=VALUE", row->name,
                      text);
    return 0;
  case OPTION_STRING:
    if (text[0] == '\0')
      return err_set (err, ERR_USAGE, "--%s: the value is empty", row->name);
    return 0;
  case OPTION_FLAG:
  default:
    return 0;
  }
}

static int take_value (struct options *o, const struct option_row *row,
                       const char *text, struct err **err);

/* Order matters between a row and its aliases, so they share their values. */
static int
take_alias (struct options *o, const struct option_row *row, const char *text,
            struct err **err)
{
  CLEANUP_FREE char *value = xasprintf ("%s%s", row->prefix, text);

  return take_value (o, option_find (o->set, row->alias, strlen (row->alias)),
                     value, err);
}

/* Puts a value (NULL for a flag) to its row. */
static int
take_value (struct options *o, const struct option_row *row, const char *text,
            struct err **err)
{
  struct option_value *value = &o->values[row - o->set->rows];

  if (text && check_value (row, text, err) == -1)
    return -1;
  if (row->alias)
    return take_alias (o, row, text, err);
  /* The last one would win elsewhere; here the tool changes machines. */
  if (text && !row->many && value->count &&
      strcmp (value->texts.ptr[0], text) != 0)
    return err_set (err, ERR_USAGE, "--%s: given twice, '%s' and '%s'",
                    row->name, value->texts.ptr[0], text);
  value->count++;
  if (text && (row->many || value->count == 1))
    str_vec_push (&value->texts, xstrdup (text));
  return 0;
}

static int
need_value (const struct option_row *row, const char *next, struct err **err)
{
  if (next == NULL)
    return err_set (err, ERR_USAGE, "--%s: %s is missing", row->name,
                    row->argument);
  if (strncmp (next, "--", 2) == 0)
    return err_set (err, ERR_USAGE, "--%s: %s is missing before '%s'",
                    row->name, row->argument, next);
  return 0;
}

/* "--name", "--name=value", "--name" "value"; returns how many were read. */
static int
read_long (struct options *o, uint64_t groups, const char *const *argv,
           struct err **err)
{
  const char *name = argv[0] + 2;
  size_t len = strcspn (name, "=");
  const struct option_row *row = option_find (o->set, name, len);
  const char *value = name[len] == '=' ? name + len + 1 : NULL;

  if (row == NULL || !(row->groups & groups))
    return unknown_option (o->set, groups, name, len, err);
  if (row->type == OPTION_FLAG) {
    if (value)
      return err_set (err, ERR_USAGE, "--%s: takes no value", row->name);
    return take_value (o, row, NULL, err) == -1 ? -1 : 1;
  }
  if (value)
    return take_value (o, row, value, err) == -1 ? -1 : 1;
  if (need_value (row, argv[1], err) == -1)
    return -1;
  return take_value (o, row, argv[1], err) == -1 ? -1 : 2;
}

/* "-v", "-vq", "-rNAME", "-r" "NAME"; returns how many were read. */
static int
read_letters (struct options *o, uint64_t groups, const char *const *argv,
              struct err **err)
{
  for (const char *p = argv[0] + 1; *p; p++) {
    const struct option_row *row = option_find_letter (o->set, groups, *p);

    if (row == NULL)
      return err_set (err, ERR_USAGE, "-%c: no such option", *p);
    if (row->type == OPTION_FLAG) {
      if (take_value (o, row, NULL, err) == -1)
        return -1;
      continue;
    }
    if (p[1])
      return take_value (o, row, p + 1, err) == -1 ? -1 : 1;
    if (need_value (row, argv[1], err) == -1)
      return -1;
    return take_value (o, row, argv[1], err) == -1 ? -1 : 2;
  }
  return 1;
}

int
options_parse (struct options *o, uint64_t groups, const char *const *argv,
               bool first_word, struct err **err)
{
  int i = 0;

  while (argv[i]) {
    int n = 1;

    if (strcmp (argv[i], "--") == 0) {
      for (i++; argv[i] && !first_word; i++)
        str_vec_push (&o->args, xstrdup (argv[i]));
      return i;
    }
    if (strncmp (argv[i], "--", 2) == 0)
      n = read_long (o, groups, argv + i, err);
    else if (argv[i][0] == '-' && argv[i][1])
      n = read_letters (o, groups, argv + i, err);
    else if (first_word)
      return i;
    else
      str_vec_push (&o->args, xstrdup (argv[i]));
    if (n == -1)
      return -1;
    i += n;
  }
  return i;
}

/* ---- values ---- */

static const struct option_value *
value_of (const struct options *o, const char *name,
          const struct option_row **ret_row)
{
  const struct option_row *row = option_find (o->set, name, strlen (name));

  if (row == NULL) {
    fprintf (stderr, "bootmend: bug: option '%s' is in no table\n", name);
    abort ();
  }
  if (ret_row)
    *ret_row = row;
  return &o->values[row - o->set->rows];
}

unsigned
options_count (const struct options *o, const char *name)
{
  return value_of (o, name, NULL)->count;
}

bool
options_flag (const struct options *o, const char *name)
{
  return options_count (o, name) > 0;
}

const char *
options_text (const struct options *o, const char *name)
{
  const struct option_row *row;
  const struct option_value *value = value_of (o, name, &row);

  return value->texts.len ? value->texts.ptr[0] : row->otherwise;
}

int64_t
options_int (const struct options *o, const char *name)
{
  const struct option_row *row;
  const char *text = options_text (o, name);
  int64_t number;

  value_of (o, name, &row);
  if (text == NULL || read_number (row, text, &number, NULL) == -1)
    return 0;
  return number;
}

const struct str_vec *
options_list (const struct options *o, const char *name)
{
  return &value_of (o, name, NULL)->texts;
}

const struct option_row *
options_given (const struct options *o, uint64_t groups, const char *but)
{
  for (size_t i = 0; i < o->set->n; i++)
    if ((o->set->rows[i].groups & groups) && o->values[i].count &&
        strcmp (o->set->rows[i].name, but) != 0)
      return &o->set->rows[i];
  return NULL;
}

json_t *
options_pairs (const struct options *o, const char *name)
{
  const struct str_vec *texts = options_list (o, name);
  json_t *json = json_object ();

  for (size_t i = 0; i < texts->len; i++) {
    size_t len = strcspn (texts->ptr[i], "=");
    CLEANUP_FREE char *key = xstrndup (texts->ptr[i], len);

    json_put_str (json, key, texts->ptr[i] + len + 1);
  }
  return json;
}

static json_t *
value_to_json (const struct options *o, const struct option_row *row)
{
  const struct str_vec *texts = options_list (o, row->name);
  json_t *list;

  if (row->type == OPTION_PAIR)
    return options_pairs (o, row->name);
  if (row->many) {
    list = json_array ();
    for (size_t i = 0; i < texts->len; i++)
      json_array_append_new (list, json_string (texts->ptr[i]));
    return list;
  }
  if (row->type == OPTION_FLAG)
    return json_true ();
  if (row->type == OPTION_INT || row->type == OPTION_DURATION)
    return json_integer (options_int (o, row->name));
  return json_string (texts->ptr[0]);
}

json_t *
options_to_json (const struct options *o, const char *prefix)
{
  json_t *json = json_object ();
  size_t len = strlen (prefix);

  for (size_t i = 0; i < o->set->n; i++) {
    const struct option_row *row = &o->set->rows[i];

    if (row->key && o->values[i].count && strncmp (row->key, prefix, len) == 0)
      json_put (json, row->key + len, value_to_json (o, row));
  }
  return json;
}
