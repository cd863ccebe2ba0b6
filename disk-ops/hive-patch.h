/* The smallest changes of a hive, made in its bytes.
 *
 * What fits where it is (a service's Start, a flag, a shorter text) and what
 * goes away needs no new cell, so nothing else of the hive moves or grows.
 * What has to grow is done by hivex (registry-edit.c), which rewrites all
 * values of a key and can't do without: it has no call to remove one value, it
 * forgets the segments of big data, and it can't unlink a subkey from a list of
 * the kind "li".  [hivex lib/write.c: delete_values, hivex_node_delete_child]
 *
 * A change makes the tree stale: read it again before the next one, and seal
 * the hive (hive_seal) after the last. */

#ifndef BOOTMEND_HIVE_PATCH_H
#define BOOTMEND_HIVE_PATCH_H

#include "hive.h"

/* Gives a value (its index in values) of this key another type and data.
 * false: it does not fit where it is; nothing is changed. */
bool hive_patch_value (unsigned char *bytes, const struct hive_tree *tree,
                       uint32_t key, uint32_t value, uint32_t type,
                       const void *data, size_t len);

void hive_patch_remove_value (unsigned char *bytes,
                              const struct hive_tree *tree, uint32_t key,
                              uint32_t value);

/* The key with all that is below it; not the root. */
void hive_patch_remove_key (unsigned char *bytes, const struct hive_tree *tree,
                            uint32_t key);

#endif
