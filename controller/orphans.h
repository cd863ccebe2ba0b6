/* What campaigns left behind whose journal is lost: disks, snapshots and marks
 * that carry the tag of a campaign nobody here knows.  A campaign that has a
 * folder below `state` is not lost: `resume`, `rollback` and `release` see to
 * what is its.
 *
 *   request = { selection: ["aws:*"], providers, http }
 *   things = [{ kind: "disk" | "snapshot" | "mark", id, name, campaign, begun,
 *               provider, account, region, size_bytes, attached_to,
 *               why: why it stays; absent: it would be deleted }]
 *
 * A campaign may also be somebody else's, on another machine, and at work now.
 * So nothing is touched of one that began less than older_ms ago (its id says
 * when), nothing that is attached, and no mark that says it is younger.  If a
 * VM that carries a mark has no OS disk, or its mark was renewed since, nothing
 * of the mark's campaign is touched: its disk or the only copy of it may be
 * there. That is only known of the VMs that are selected. */

#ifndef BOOTMEND_ORPHANS_H
#define BOOTMEND_ORPHANS_H

#include <base/json.h>

struct orphans;

struct orphans *orphans_find (const json_t *request, const char *state,
                              int64_t older_ms, struct err **err) ATTR_USE;
void orphans_free (struct orphans *orphans);
#define CLEANUP_ORPHANS CLEANUP (cleanup_orphans)
void cleanup_orphans (struct orphans **orphans);

/* Borrowed. */
json_t *orphans_things (const struct orphans *orphans);

/* Deletes the disks and snapshots, takes the marks off.  Each thing gets
 * deleted: true, or error. */
void orphans_delete (struct orphans *orphans);

#endif
