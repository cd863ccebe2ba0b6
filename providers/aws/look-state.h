/* What the phases of a look at VMs share: how deep it goes, and the records
 * that it has put together so far (state.vms). */

#ifndef BOOTMEND_AWS_LOOK_STATE_H
#define BOOTMEND_AWS_LOOK_STATE_H

#include "look.h"

enum depth {
  DEEP_STATUS = 1,
  DEEP_VOLUMES = 2,
  DEEP_ALL = 4
};

/* Of an operation's `in`. */
unsigned look_depth_of (const json_t *in);

json_t *look_vms_of (const json_t *state);
json_t *look_facts_of (json_t *vm);
const char *look_id_of (const json_t *vm);

/* {text at path: [numbers of records]} */
json_t *look_index_by (const json_t *vms, const char *path);
/* Calls `do_it` for each record with that key. */
void look_for_key (const json_t *state, const json_t *index, const char *key,
                   void (*do_it) (json_t *vm, const json_t *with),
                   const json_t *with);
/* Calls `put` for each item and each record that has at `path` what the item
 * has at `key`. */
void look_for_each (const json_t *state, const char *path, const json_t *items,
                    const char *key,
                    void (*put) (json_t *vm, const json_t *item));
/* The texts at a path of all records, each once. */
json_t *look_texts_at (const json_t *state, const char *path);
void look_add_once (json_t *list, const char *text);

/* NAME.1, NAME.2, ... */
void look_ids_fill (const json_t *chunk, const char *name, struct strbuf *form);
/* DescribeVolumes and its relations: the volumes of the chunk, paged. */
void look_volume_fill (const struct look_at *at, struct strbuf *form);

/* For phases that nobody depends on: without the permission, or on any other
 * refusal, the look goes on and the records say so. */
bool look_note_unchecked (const struct look_at *at,
                          const struct http_reply *reply,
                          const struct err *err);

/* Values of a filter in one call. [EC2 API reference, "Filter"] */
#define FILTER_VALUES 200
/* Ids in one DescribeInstanceStatus; types; Auto Scaling. [model] */
#define STATUS_IDS 100
#define TYPE_NAMES 100
#define GROUP_IDS  50

/* look-checks.c, look-keys.c: in this order, after the OS disks. */
extern const struct look_phase look_modifications, look_snapshots, look_types,
    look_credits, look_members, look_groups, look_encrypted, look_caller,
    look_keys, look_grants;

#endif
