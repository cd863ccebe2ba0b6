/* Rules as they are kept, for the files of this folder. */

#ifndef BOOTMEND_DIAGNOSES_RULE_H
#define BOOTMEND_DIAGNOSES_RULE_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/json.h>
#include <base/strbuf.h>
#include <base/vec.h>

struct builtin_rules {
  const char *name; /* of the file, without ".json" */
  const char *text;
  size_t len;
};
extern const struct builtin_rules builtin_rules[]; /* no name ends */

/* A POSIX extended regular expression, matched against single lines. */
struct pattern {
  bool compiled;
  regex_t regex;
  char *literal; /* stands in every line that fits; "": not known */
};
#define PATTERN_GROUPS 4

enum evidence_kind {
  EVIDENCE_TEXT,     /* a line of a console or log */
  EVIDENCE_BUGCHECK, /* a stop code, from a console or a dump */
  EVIDENCE_FACT,     /* something found on the disk */
  EVIDENCE_RECIPE    /* a recipe that would change something */
};

struct condition {
  enum evidence_kind kind;
  struct pattern pattern; /* of a text; of a driver; of a fact's value */
  bool has_pattern;
  uint32_t code;      /* of a bugcheck */
  bool has_parameter; /* ... whose parameter `number` (1 to 4) is `value` */
  int number;
  uint64_t value;
  char *name; /* of a fact or recipe */
};
DEFINE_VEC (struct condition, condition_vec);

struct rule {
  char *id, *cause, *advice, *recipe;
  int confidence; /* in rule_confidences, the highest number is the surest */
  bool all;       /* conditions: all, or one is enough */
  struct condition_vec conditions;
  const json_t *parameters; /* in json; NULL: none */
  const json_t *over;       /* in json: ids of rules that say less; NULL */
  json_t *json;             /* the whole, owned */
};
DEFINE_VEC (struct rule *, rule_vec);

struct pattern_row {
  struct pattern pattern;
};
DEFINE_VEC (struct pattern_row *, pattern_vec);

struct diagnosis_rules {
  struct rule_vec rules;
  struct pattern_vec boots; /* lines that only a system writes that came up */
};

extern const char *const rule_confidences[]; /* "low", "medium", "high", NULL */

/* --- pattern.c --- */

/* ERR_INPUT: it is no pattern, has too many groups, or fits an empty line. */
int pattern_compile (struct pattern *pattern, const char *regex,
                     struct err **err) ATTR_USE;
void pattern_release (struct pattern *pattern);

/* --- console.c --- */

/* Without escape sequences and control characters, line ends as \n. */
char *console_clean (const char *text);
/* The last line of text from `from` on that fits, as offset and length of the
 * line; groups (relative to the line) may be NULL.  False: none. */
bool pattern_find_last (const struct pattern *pattern, const char *text,
                        size_t *at, size_t *len, regmatch_t *groups);
/* All stop codes that a text names, as in findings.bugchecks. */
void console_bugchecks (const char *text, const char *where, json_t *list);
/* Is this a part of Windows itself, which a bugcheck names for what others have
 * done? */
bool driver_is_windows (const char *driver);

#endif
