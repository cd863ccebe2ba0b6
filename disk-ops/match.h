/* Evaluating what a recipe looks for: which things on this disk fit by name,
 * and which of them are proven by all conditions. */

#ifndef BOOTMEND_MATCH_H
#define BOOTMEND_MATCH_H

#include <base/json.h>
#include <base/vec.h>
#include <recipes/recipe.h>

#include "guest-file.h"

struct disk;

DEFINE_VEC (struct guest_file, guest_file_vec);

/* What one match gave. */
struct match_found {
  const struct recipe_match *match;
  size_t named; /* how many fit by name */
  struct guest_file_vec proven;
};

void match_found_release (struct match_found *found);

/* Evaluates one match on the mounted volume.  With `record`, what was found
 * goes to the result's "matches" and "kept". */
int match_evaluate (struct disk *disk, const struct recipe_match *match,
                    bool record, struct match_found *found,
                    struct err **err) ATTR_USE;

/* Why a thing does not prove to be what the match wants, from its metadata
 * alone ("modified 2024-07-19T05:27:11Z is not before ..."); NULL: it may. */
char *match_reason_against (const struct recipe_match *match,
                            const struct guest_file *file);

#endif
