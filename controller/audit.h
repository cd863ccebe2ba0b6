/* The audit chain: who did what to which VM, so that a change of it afterwards
 * shows.
 *
 * Every row that is added to the journal's history (tables step and event), and
 * the outcome of every job, is also entered in the table audit, in the same
 * transaction:
 *
 *   id     1, 2, ... without a gap
 *   entry  the row as canonical JSON: {table, row, ...its columns}
 *   hash   hex SHA-256 of "HASH OF THE ENTRY BEFORE\nENTRY\n"
 *
 * Entry 1 follows on the SHA-256 of "bootmend audit 1\nCAMPAIGN ID\n". Triggers
 * keep rows from being changed or removed by accident; against intent there is
 * the chain.  Whoever can write the journal can make a whole new chain: what
 * proves that nobody did is a head noted elsewhere (a ticket, a notification),
 * which `bootmend audit verify --head` compares.
 */

#ifndef BOOTMEND_AUDIT_H
#define BOOTMEND_AUDIT_H

#include "journal.h"

/* {entries: n, head: hash}.  ERR_INPUT says which entry does not fit, and how:
 * changed, missing, not as in the tables, or that `head` (NULL: any) is not in
 * the chain. */
json_t *audit_verify (struct journal *journal, const char *head,
                      struct err **err) ATTR_USE;

/* [{id, hash, entry: {...}}] in order. */
json_t *audit_entries (struct journal *journal, struct err **err) ATTR_USE;

/* {entries, head} as they stand, not verified; {} for a journal of a bootmend
 * that kept none. */
json_t *audit_head (struct journal *journal, struct err **err) ATTR_USE;

#endif
