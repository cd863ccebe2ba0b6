/* The registry of the Windows that is being worked on: its hives as Windows
 * would find them at its next start, what is to be changed in them, and how.
 *
 * A hive is copied out of the appliance whole, with its logs, into memory, and
 * brought up to date there (hive-log.h).  The plan (registry-plan.c) collects
 * changes of it; registry_apply puts the up-to-date hive in the place of the
 * stale one (in the overlay: the disk sees none of it before all is well),
 * makes the changes, reads the result again and compares it key by key. */

#ifndef BOOTMEND_REGISTRY_H
#define BOOTMEND_REGISTRY_H

#include <base/json.h>
#include <recipes/recipe.h>

#include "guest-file.h"
#include "hive-diff.h"
#include "hive-log.h"

struct disk;
struct match_found;

/* Larger ones are refused: they have to fit into memory three times. */
#define REGISTRY_MAX_BYTES (INT64_C (320) << 20)

struct registry_hive {
  const char *name; /* in recipe_hives */
  struct guest_file file;
  struct guest_file logs[HIVE_LOGS]; /* no path: there is none */
  struct hive_bytes bytes;           /* up to date */
  struct hive_tree tree;             /* of bytes */
  struct hive_recovery recovery;
  struct hive_change_vec wanted;      /* in order */
  const struct recipe_action *action; /* the first that wants one */
};
DEFINE_VEC (struct registry_hive *, registry_vec);

/* 1: *hive is it (read once, kept until registry_forget); 0: no such file; -1,
 * among others refused as "dirty-hive" (its logs can't be applied) or
 * "hive-damaged". */
int registry_open (struct disk *disk, const char *name,
                   struct registry_hive **hive, struct err **err) ATTR_USE;
/* The guest has changed, or another recipe comes. */
void registry_forget (struct disk *disk);

/* The file of a hive as it is on the disk, logs not applied.  1, 0 (no such
 * file), -1. */
int registry_read_file (struct disk *disk, const char *path,
                        struct guest_file *file, struct hive_bytes *bytes,
                        struct err **err) ATTR_USE;
/* Path of a hive that is there: 1, 0, -1. */
int registry_find_file (struct disk *disk, const char *name, char **path,
                        struct err **err) ATTR_USE;

/* The paths that a recipe's key stands for in this hive: CurrentControlSet is
 * the set that was in use and the one that the next start takes, "*" every key
 * there is.  Parts after the last "*" need not exist. */
int registry_resolve (struct disk *disk, struct registry_hive *hive,
                      const char *key, char ***paths,
                      struct err **err) ATTR_USE;

/* What a match of the registry finds. */
int registry_match (struct disk *disk, const struct recipe_match *match,
                    bool record, struct match_found *found,
                    struct err **err) ATTR_USE;

/* Adds what an action wants to its hives. */
int registry_plan (struct disk *disk, const struct recipe_action *action,
                   struct err **err) ATTR_USE;
/* After all actions: hives with changes become changes of the plan. */
void registry_plan_end (struct disk *disk);
/* Another plan begins. */
void registry_forget_wishes (struct disk *disk);

/* Carries out hive->wanted on the guest's file and proves it. */
int registry_apply (struct disk *disk, struct registry_hive *hive,
                    struct err **err) ATTR_USE;

/* [{kind, key, value, type, text, base64, before: {...}}] for files.json and
 * results. */
json_t *registry_changes_to_json (const struct registry_hive *hive);
/* Takes such changes back. */
int registry_undo (struct disk *disk, const json_t *row,
                   struct err **err) ATTR_USE;

#endif
