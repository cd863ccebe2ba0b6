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

/* What a recipe looks for: paths with wildcards in their last part, and the
 * conditions that all have to hold for a path to count as proven.  Something
 * that has the name but not the proof is reported as kept, never touched. */
struct recipe_match {
  char *id;
  char *path;    /* "/Windows/System32/drivers/x*.sys", '/' between the parts */
  bool folder;   /* a folder is wanted, not a regular file */
  bool required; /* nothing found: refuse (no-match) instead of clean */
  unsigned char *header; /* bytes at offset 0; NULL: any */
  size_t header_len;
  bool has_modified_from, has_modified_before;
  int64_t modified_from_ms;   /* data change time >= this */
  int64_t modified_before_ms; /* and < this */
  int64_t size_min, size_max; /* bytes; -1: any */
  char **sha256;              /* any of these (hex); NULL: any */
};

enum recipe_action_kind {
  ACTION_DELETE,     /* of */
  ACTION_QUARANTINE, /* of: moved to /bootmend-quarantine/CAMPAIGN-less id/ */
  ACTION_RENAME,     /* of, to (a name within the same folder) */
  ACTION_WRITE,      /* path, content or content_base64, sha256 */
  ACTION_COPY        /* from, to: within the guest */
};

struct recipe_action {
  enum recipe_action_kind kind;
  const struct recipe_match *of; /* NULL for write and copy */
  char *from, *to, *path;
  unsigned char *content;
  size_t content_len;
  bool overwrite;
};

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
  char *name;
  int64_t version;
  char *title;
  char *description;
  enum recipe_os os;
  struct recipe_match *matches;
  size_t n_matches;
  struct recipe_action *actions;
  size_t n_actions;
  struct recipe_check *checks;
  size_t n_checks;
  json_t *parameters; /* declared ones: {name: {type, default, ...}} */
  json_t *json;       /* the whole, as loaded (what an agent is sent) */
  char sha256[65];    /* of the canonical JSON text */
};

/* From its JSON; parameters are filled in from `values` (NULL: defaults only).
 * ERR_INPUT names the recipe, the place and the rule. */
struct recipe *recipe_new (const json_t *json, const json_t *values,
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
