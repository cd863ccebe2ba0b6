/* What a recipe is going to change on one disk: worked out before the first
 * change, so that report and apply say the same. */

#ifndef BOOTMEND_PLAN_H
#define BOOTMEND_PLAN_H

#include <base/json.h>
#include <base/vec.h>
#include <recipes/recipe.h>

#include "guest-file.h"

struct disk;
struct registry_hive;
struct volume;

struct change {
  const struct recipe_action *action;
  struct guest_file file;     /* what it is done to; no path: a new file */
  char *to;                   /* rename, quarantine: new path; write, copy: the
                                 path that gets the content */
  char *source;               /* copy: where the content comes from */
  struct registry_hive *hive; /* its wanted changes; in disk->registry */
  bool is_registry;           /* hive is or was set */
  bool evidence_only;         /* copied out, not changed */
  char *content; /* the new content, if it was worked out from the old
                    one; NULL: it is the action's, or none */
  size_t content_len;
  int64_t size_after; /* bytes of the content put there */
  char after[65];     /* SHA-256 of the content put there; "": none is */
  const struct volume *boot_of; /* its boot sector was mended */
  bool link;                    /* as a further name of the source */
};
DEFINE_VEC (struct change, change_vec);

struct plan {
  struct change_vec changes;
};

void plan_release (struct plan *plan);

/* Evaluates all matches and fills disk->plan; refuses with "no-match" if a
 * required one finds nothing, "target-exists" if a name is taken, "no-space"
 * and "immutable" if the change could not be made (plan-room.h). */
int plan_make (struct disk *disk, struct err **err) ATTR_USE;

/* For those who plan: one more change, which is taken over also in case of
 * failure.  Refuses too many. */
int plan_push (struct disk *disk, struct change change,
               struct err **err) ATTR_USE;

/* The rows of the result's "changes". */
json_t *plan_to_json (const struct plan *plan);

#endif
