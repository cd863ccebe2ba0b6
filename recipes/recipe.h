/* Recipes: a repair as data.
 *
 * A recipe says which things on a disk it looks for (match), how each proves
 * to be what it seems (its conditions), what is done (actions), what must be
 * true afterwards (checks).  Loading checks everything that can be checked
 * without a disk; disk-ops/ carries it out.  bootmend-recipe(5) documents the
 * format for authors; recipes/schema.json is its JSON Schema.
 */

#ifndef BOOTMEND_RECIPE_H
#define BOOTMEND_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include <base/json.h>

enum recipe_os {
  RECIPE_OS_WINDOWS,
  RECIPE_OS_LINUX,
  RECIPE_OS_ANY
};
const char *recipe_os_name (enum recipe_os os);

/* What a recipe looks for: paths with wildcards in their last part, and the
 * conditions that all have to hold for a path to count as proven.  Something
 * that has the name but not the proof is reported as kept, never touched. */
struct recipe_match {
  char *id;
  char *path;    /* "/Windows/System32/drivers/x*.sys", '/' between the parts;
                    without regard to case on Windows */
  bool folder;   /* a folder is wanted, not a regular file */
  bool required; /* nothing found: refuse (no-match) instead of clean */
  unsigned char *header; /* bytes at offset 0; NULL: any */
  size_t header_len;
  bool has_modified_from, has_modified_before;
  int64_t modified_from_ms;   /* data change time >= this */
  int64_t modified_before_ms; /* and < this */
  int64_t size_min, size_max; /* bytes; -1: any */
  char **sha256;              /* any of these (hex); NULL: any */
  int64_t most; /* more proven ones than this: refuse (too-many) */
  /* In the registry instead of a path: */
  char *hive;     /* one of recipe_hives; NULL: a path is looked for */
  char *key;      /* its parts may be "*"; CurrentControlSet is resolved */
  char *value;    /* "": the default value; NULL: the key itself */
  json_t *data;   /* list of numbers and texts: is one of these; NULL: any */
  char *contains; /* the text has this in it; NULL: any */
};

/* Hives by the names that recipes use, ended by NULL.  "BCD" is on the volume
 * that starts Windows, all others on the system's. */
extern const char *const recipe_hives[];
#define RECIPE_HIVE_BCD "BCD"

enum recipe_action_kind {
  ACTION_DELETE,       /* of */
  ACTION_QUARANTINE,   /* of: moved to /bootmend-quarantine/CAMPAIGN-less id/ */
  ACTION_RENAME,       /* of, to (a name within the same folder) */
  ACTION_WRITE,        /* path, content or content_base64, sha256, overwrite */
  ACTION_COPY,         /* from, to: within the guest; overwrite */
  ACTION_RESTORE,      /* path, from, content: put back if it is missing */
  ACTION_REGISTRY_SET, /* hive, key, value, type, data or find, replace */
  ACTION_REGISTRY_DELETE, /* hive, key, value */
  ACTION_SERVICE_DISABLE, /* service */
  ACTION_HIVE_RESTORE,    /* hive, from, content: for a damaged one */
  ACTION_SET_LINE,        /* path, pattern, line, add */
  ACTION_REMOVE_LINE,     /* path, pattern */
  ACTION_LINK,            /* path, target */
  ACTION_FSTAB,           /* comment */
  ACTION_PREVIOUS_KERNEL,
  ACTION_FREE_SPACE, /* rotated */
  ACTION_BOOT_SECTOR
};

enum recipe_missing {
  MISSING_REFUSE,
  MISSING_CREATE,
  MISSING_SKIP
};

struct recipe_action {
  const struct recipe_action_type *type; /* its row */
  enum recipe_action_kind kind;
  const struct recipe_match *of; /* NULL for write and copy */
  char *from, *to, *path;        /* without wildcards */
  unsigned char *content;        /* never NULL for write; may have length 0 */
  size_t content_len;
  char *sha256;   /* of the content, already compared; NULL: not said */
  bool overwrite; /* false: an existing target with other content is an error */
  bool winsxs;    /* restore: look in the component store too */
  const struct recipe_match *when; /* only if this one proves; NULL: always */
  char *hive, *key, *value;        /* as in a match */
  int value_type;                  /* index into recipe_value_types */
  json_t *data;         /* list; one entry unless the type is multi_sz */
  char *find, *replace; /* instead of data: in the text that is there */
  int missing;          /* enum recipe_missing: no such key or text */
  char *service;
  char *pattern; /* an extended regular expression for one line */
  char *line;    /* what that line becomes */
  bool add;      /* at the end, where no line fits */
  char *target;  /* of a symbolic link */
  bool comment;  /* fstab: out with the entry; false: it gets nofail */
  bool rotated;  /* logs that were rotated are deleted */
};

/* "none", "sz", ...: the place is the number of the type in the registry; NULL
 * ends. */
extern const char *const recipe_value_types[];

/* An action as a row: a further one is a row here (recipes/actions.c), an
 * entry in schema.json, and the function that carries it out in disk-ops/. */
struct recipe_field; /* recipes/fields.h */
struct recipe_action_type {
  const char *name; /* the word in "action" */
  enum recipe_action_kind kind;
  unsigned os;                       /* bits 1 << enum recipe_os: allowed for */
  const struct recipe_field *fields; /* what may be said, ended by no name */
  /* Rules between the fields; NULL: none.  `place` names the action. */
  int (*check) (const struct recipe_action *action, const char *place,
                struct err **err);
  const char *meaning; /* for people, "delete what was proven" */
};
extern const struct recipe_action_type recipe_action_types[]; /* no name ends */

enum recipe_check_kind {
  CHECK_ABSENT,
  CHECK_PRESENT
};

struct recipe_check {
  enum recipe_check_kind kind;
  const struct recipe_match *of; /* nothing proven / something proven is left */
  char *path;                    /* or a path */
};

struct recipe {
  int64_t format;
  char *name;
  int64_t version;
  char *title;
  char *description;
  char *why;      /* the reason for its proofs; NULL: not said */
  char **sources; /* where its facts come from; NULL: not said */
  enum recipe_os os;
  bool on_boot_volume; /* paths and hives are on the volume with the BCD */
  bool no_suggestion;  /* a wish rather than a fault: inspect does not try it */
  struct recipe_match *matches;
  size_t n_matches;
  struct recipe_action *actions;
  size_t n_actions;
  struct recipe_check *checks;
  size_t n_checks;
  json_t *parameters; /* declared ones: {name: {type, default, ...}} */
  json_t *values;     /* {name: value} in force, defaults included */
  json_t *json;       /* the whole, as loaded (what an agent is sent) */
  char sha256[65];    /* of the canonical JSON text, see json_text */
};

#define RECIPE_FORMAT    1         /* "format" in the file */
#define RECIPE_MAX_BYTES (1 << 20) /* of its canonical text */
/* Of a file that a parameter of the type "content" brings, and of its base64:
 * it has to fit into a line to the agent (PROTOCOL_MAX_ORDER) with everything
 * else. */
#define RECIPE_MAX_FILE    (32 << 20)
#define RECIPE_MAX_CONTENT (RECIPE_MAX_FILE / 3 * 4 + 4)

/* From its JSON; parameters are filled in from `values` (an object; NULL:
 * defaults only).  A value may be of its JSON type or its text form, as a
 * command line gives it.  Any json_t is safe to pass.  ERR_INPUT names the
 * recipe, the place and the rule. */
struct recipe *recipe_new (const json_t *json, const json_t *values,
                           struct err **err) ATTR_USE;

/* The same without values: a parameter that has no default takes its
 * "example".  For `recipes check` and `recipes show`; never to repair with. */
struct recipe *recipe_new_example (const json_t *json,
                                   struct err **err) ATTR_USE;

void recipe_free (struct recipe *recipe);
#define CLEANUP_RECIPE CLEANUP (cleanup_recipe)
void cleanup_recipe (struct recipe **recipe);

/* A built-in recipe by name, or a file if the name has a '/' or ends in
 * ".json".  The JSON, not yet checked; ERR_NOT_FOUND says which names exist. */
json_t *recipe_find (const char *name_or_path, struct err **err) ATTR_USE;

/* Names of the built-in ones, in alphabetical order, ended by NULL. */
extern const char *const recipe_builtin_names[];

/* The JSON Schema as text. */
extern const char recipe_schema[];

#endif
