/* Options of the command line, from rows.
 *
 * A row (options.c) says everything about one option: from it come parsing,
 * the errors, --help, bash completion, and the test that compares the man page
 * with the program.  A new option is a new row.
 *
 *   struct options *o = options_new (option_set ());
 *   options_parse (o, command->groups, argv, &err);
 *   options_text (o, "recipe"), options_int (o, "workers"), o->args
 */

#ifndef BOOTMEND_OPTION_H
#define BOOTMEND_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include <base/json.h>
#include <base/vec.h>

enum option_type {
  OPTION_FLAG,
  OPTION_STRING,
  OPTION_INT,
  OPTION_DURATION, /* as text_parse_duration_ms reads it; its value is in ms */
  OPTION_CHOICE,
  OPTION_PAIR /* NAME=VALUE */
};

/* What a word on the command line can be: for completion. */
enum words {
  WORDS_NONE,
  WORDS_FILES,
  WORDS_FOLDERS,
  WORDS_RECIPES,   /* built-in ones, and files */
  WORDS_CAMPAIGNS, /* ids in the state folder */
  WORDS_SELECTORS, /* PROVIDER:... */
  WORDS_PROVIDERS, /* names */
  WORDS_COMMANDS
};

struct option_row {
  const char *name; /* without the dashes */
  char letter;      /* 0: none */
  enum option_type type;
  bool many;             /* may be given again; the values add up */
  uint64_t groups;       /* bits of enum option_group; see option_groups */
  const char *argument;  /* how help calls the value; NULL for a flag */
  const char *otherwise; /* value if it is not given, as text; NULL: none */
  const char *help;      /* a sentence without a full stop */
  const char *choices;   /* "auto always never" for a choice */
  int64_t least, most;   /* of an integer or duration; 0, 0: any from 0 */
  enum words words;
  /* another name for a value of the row `alias`: "PREFIX" and the text */
  const char *alias, *prefix;
  const char *key; /* where options_to_json puts it: "policy.stop_ms" */
};

/* Which options belong together; a command takes whole groups. */
enum option_group {
  GROUP_TOP = 1 << 0, /* before the command only */
  GROUP_GENERAL = 1 << 1,
  GROUP_JSON = 1 << 2,
  GROUP_PROGRESS = 1 << 3,
  GROUP_STATE = 1 << 4,
  GROUP_RECIPE = 1 << 5,
  GROUP_PARAMETERS = 1 << 6,
  GROUP_DRY_RUN = 1 << 7,
  GROUP_ALLOW = 1 << 8,
  GROUP_IMAGE = 1 << 9,
  GROUP_FIX = 1 << 10,
  GROUP_AGENT = 1 << 11,
  GROUP_PLAN_OUT = 1 << 12,
  GROUP_PLAN_IN = 1 << 13,
  GROUP_FIND = 1 << 14,
  GROUP_POLICY = 1 << 15,
  GROUP_PROVIDER = 1 << 16,
  GROUP_VMS = 1 << 17,
  GROUP_STEPS = 1 << 18,
  GROUP_INSPECT = 1 << 19,
  GROUP_PERMISSIONS = 1 << 20,
  GROUP_SIGN = 1 << 21,
  GROUP_TRUST = 1 << 22,
  GROUP_HEAD = 1 << 23,
  GROUP_HELPER = 1 << 24,
  GROUP_BUDGET = 1 << 29, /* may be changed in a halted campaign */
  GROUP_CONTINUE = 1 << 25,
  GROUP_RETRY = 1 << 26,
  GROUP_HALT = 1 << 27,
  GROUP_WAVES = 1 << 28,
  GROUP_NOTIFY = 1 << 30,
  GROUP_TRY = 1LL << 31,
  GROUP_KEYS = 1LL << 32,
  GROUP_CSV = 1LL << 33,
  GROUP_RELEASE = 1LL << 34,
  GROUP_CLEANUP = 1LL << 35,
  GROUP_YES = 1LL << 36
};

/* Headings of help, in order, ended by NULL. */
struct option_heading {
  uint64_t groups;
  const char *title;
};
extern const struct option_heading option_headings[];

/* The rows of options.c and those of the providers' own options. */
struct option_set {
  struct option_row *rows;
  size_t n;
};
/* Made once, at the first call; lives as long as the program. */
const struct option_set *option_set (void);

struct option_value {
  unsigned count; /* how often it was given */
  struct str_vec texts;
};

struct options {
  const struct option_set *set;
  struct option_value *values; /* one for each row */
  struct str_vec args;         /* words that are no options */
};

struct options *options_new (const struct option_set *set);
void options_free (struct options *o);
#define CLEANUP_OPTIONS CLEANUP (cleanup_options)
void cleanup_options (struct options **o);

/* Reads argv (ended by NULL) with the options of these groups.  With
 * `first_word` it ends before the first word that is no option.  Returns how
 * many elements of argv were read, or -1 with ERR_USAGE; the message starts
 * with the option. */
int options_parse (struct options *o, uint64_t groups, const char *const *argv,
                   bool first_word, struct err **err) ATTR_USE;

/* Values by name; a name that is in no row aborts.  The default of the row
 * where it was not given; NULL, 0 or false where it has none. */
bool options_flag (const struct options *o, const char *name);
unsigned options_count (const struct options *o, const char *name);
const char *options_text (const struct options *o, const char *name);
int64_t options_int (const struct options *o, const char *name);
const struct str_vec *options_list (const struct options *o, const char *name);
/* The first row of these groups, but for `but`, that was given; NULL: none. */
const struct option_row *options_given (const struct options *o,
                                        uint64_t groups, const char *but);
/* {NAME: VALUE} of a row of pairs. */
json_t *options_pairs (const struct options *o, const char *name);

/* All that was given of the rows whose key starts with `prefix`, without it:
 * numbers and durations as integers, flags as true, many as arrays. */
json_t *options_to_json (const struct options *o, const char *prefix);

const struct option_row *option_find (const struct option_set *set,
                                      const char *name, size_t len);
const struct option_row *option_find_letter (const struct option_set *set,
                                             uint64_t groups, char letter);

#endif
