/* What differs between two states of one hive: the proof that an edit changed
 * what it was asked to and nothing else. */

#ifndef BOOTMEND_HIVE_DIFF_H
#define BOOTMEND_HIVE_DIFF_H

#include "hive.h"

enum hive_change_kind {
  HIVE_SET_VALUE,    /* new, or with another type or data */
  HIVE_REMOVE_VALUE, /* type and data are those that it had */
  HIVE_ADD_KEY,      /* its values are changes of their own */
  HIVE_REMOVE_KEY,   /* with all that is below it */
  HIVE_OTHER         /* class, security, time, order: `value` says which */
};

struct hive_change {
  enum hive_change_kind kind;
  char *key;   /* path below the root */
  char *value; /* name; "": the default value; NULL: none is meant */
  uint32_t type;
  unsigned char *data;
  size_t len;
};
DEFINE_VEC (struct hive_change, hive_change_vec);

void hive_change_release (struct hive_change *change);
#define CLEANUP_HIVE_CHANGES CLEANUP (hive_changes_release)
void hive_changes_release (struct hive_change_vec *changes);

/* Everything that differs, at most `most` of it. */
void hive_compare (const struct hive_tree *before,
                   const struct hive_tree *after, size_t most,
                   struct hive_change_vec *changes);

/* Are the differences exactly those that were wanted (in any order)?  ERR_DISK
 * names the first that is not. */
int hive_changes_verify (const struct hive_tree *before,
                         const struct hive_tree *after,
                         const struct hive_change_vec *wanted,
                         struct err **err) ATTR_USE;

#endif
